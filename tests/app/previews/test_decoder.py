"""The decoder's process: what it may use, and how it ends."""

import os
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from mayfly.previews import decoder, draw, running
from mayfly.previews.draw import DecoderBroken, Interrupted, NotShowable
from mayfly.storage.protocol import StorageError

from ...support.images import drawn
from ...support.pictures import jpeg


def test_the_decoder_inherits_no_secret_and_no_open_file(program):
    program("import os; print(sorted(os.environ), os.listdir('/proc/self/fd'), os.getcwd()); raise SystemExit(1)")
    with open(__file__), pytest.raises(DecoderBroken) as answer:
        drawn(jpeg())
    words = str(answer.value)
    assert "SECRET_KEY" not in words
    assert set(words.split("[")[1].split("]")[0].replace("'", "").split(", ")) <= {
        "LC_CTYPE", "MALLOC_ARENA_MAX", "VIPS_BLOCK_UNTRUSTED", "VIPS_CONCURRENCY",
    }  # fmt: skip
    # Standard input, output and error, and the listing itself.
    assert len(words.split("[")[2].split("]")[0].split(", ")) == 4


def test_the_decoder_limits_itself_before_it_decodes():
    code = (
        "import decoder, resource as r; decoder.walls.restrict(); decoder.walls.limit_memory(decoder.SMALL);"
        "print(*[r.getrlimit(l)[0] for l in (r.RLIMIT_CPU, r.RLIMIT_DATA, r.RLIMIT_FSIZE, r.RLIMIT_CORE)],"
        " open('/proc/self/oom_score_adj').read())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(decoder.__file__).parent, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["10", "112000000", "2000000", "0", "1000"]
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != decoder.SMALL


def test_a_slow_decoder_is_killed(program, monkeypatch):
    monkeypatch.setattr(draw, "IMAGE_SECONDS", 0.5)
    program("import time; time.sleep(60)")
    with pytest.raises(Interrupted):
        drawn(bytes(10_000_000))


def test_an_image_that_uses_up_the_processor_time_is_refused(program):
    program("import resource as r; r.setrlimit(r.RLIMIT_CPU, (1, 2))\nwhile True: pass")
    with pytest.raises(NotShowable, match="more time or memory"):
        drawn(jpeg())


@pytest.mark.parametrize("output", ["<script>alert(1)</script>", "RIFF0000WAVE", ""])
def test_a_hijacked_decoder_can_return_only_webp(program, output):
    program(f"print({output!r})")
    with pytest.raises(DecoderBroken):
        drawn(jpeg())


def test_a_decoder_leaves_no_file_and_no_process(program, tmp_path, monkeypatch):
    # A folder of its own, because other processes use the machine's.
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    threads = threading.active_count()
    started = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self.pid)

    monkeypatch.setattr(running.subprocess, "Popen", Noted)
    drawn(jpeg())
    program("import time; time.sleep(60)")

    def breaking():
        yield b"x"
        raise StorageError("time-out")

    with pytest.raises(StorageError):
        draw.draw(breaking(), content_type="image/jpeg")
    assert list(temporary.iterdir()) == []
    assert len(started) == 2
    for process in started:  # and not any child, since another test may have one that stays
        with pytest.raises(ChildProcessError):
            os.waitpid(process, os.WNOHANG)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(1)
    assert threading.active_count() <= threads
