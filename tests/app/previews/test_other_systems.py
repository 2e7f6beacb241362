"""The decoder where Linux's own calls are absent, as on macOS: it has fewer walls, and makes the same previews."""

import subprocess
import sys
from pathlib import Path

import pytest

from mayfly.previews import decoder, walls

from ...support.pictures import jpeg

# On macOS a process finds no /proc, no prctl, and limits that cannot be lowered, or that do not exist.
ELSEWHERE = """
import builtins, ctypes, errno, resource, runpy, sys
import pyvips

def refuse(kind, values):
    raise ValueError("current limit exceeds maximum limit")

def open_elsewhere(file, *more, real=open, **options):
    if str(file).startswith("/proc/"):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", file)
    return real(file, *more, **options)

def no_prctl(*_):
    raise AttributeError("symbol not found: prctl")

resource.setrlimit = refuse
del resource.RLIMIT_DATA
builtins.open = open_elsewhere
ctypes.CDLL = no_prctl
sys.platform = {platform!r}
sys.argv = ["decoder.py", "image/jpeg", "100"]
runpy.run_path({file!r}, run_name="__main__")
"""


def run_on(platform: str) -> subprocess.CompletedProcess[bytes]:
    code = ELSEWHERE.format(platform=platform, file=decoder.__file__)
    return subprocess.run(
        [sys.executable, "-c", code], input=jpeg(), capture_output=True, cwd=Path(decoder.__file__).parent, timeout=60
    )


def test_the_decoder_makes_a_preview_without_the_calls_of_linux():
    done = run_on("darwin")
    assert done.returncode == 0, done.stderr
    pixels, _, preview = done.stdout.partition(b"\n")
    assert int(pixels) > 0
    assert preview.startswith(b"RIFF")


def test_a_linux_that_refuses_a_limit_gets_no_preview():
    """Case 68: where the walls should stand, their absence is an error."""
    done = run_on("linux")
    assert done.returncode != 0
    assert b"current limit exceeds maximum limit" in done.stderr or b"RLIMIT" in done.stderr
    assert b"RIFF" not in done.stdout


@pytest.mark.parametrize("name", ["RLIMIT_CPU", "RLIMIT_DATA"])
def test_a_limit_is_set_on_linux(name, monkeypatch):
    set_to = {}
    monkeypatch.setattr(walls.resource, "setrlimit", lambda kind, values: set_to.update({kind: values}))
    walls.limit(name, 1, 2)
    assert set_to == {getattr(walls.resource, name): (1, 2)}
