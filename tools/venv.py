"""Make .venv hold what a file of hashed requirements names: bin/venv FILE

Quick if .venv holds that already. A package counts by its version, not by a file's date, so that neither another
branch nor a smaller file (base.txt after development.txt) installs anything twice.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from .paths import VENV, VENV_PYTHON
from .processes import call, one_at_a_time, succeeds

INSTALLED = VENV / "installed.txt"  # the requirements of every installation so far


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: bin/venv FILE")
    fill(Path(sys.argv[1]))


def fill(file: Path) -> None:
    """Install what `file` names. Ends the program with a sentence if that fails. Two at once wait for each other."""
    with one_at_a_time(__file__):
        _make()
        _install(file)


def _make() -> None:
    """Make .venv, unless there is one that works: its Python may have been removed since."""
    if VENV_PYTHON.exists() and succeeds(VENV_PYTHON, "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"):
        return
    print("Making a virtual environment in .venv", flush=True)
    if not succeeds(sys.executable, "-m", "venv", "--clear", VENV):
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(
            "Python could not make a virtual environment. On Debian and Ubuntu a package is missing: install "
            f"python{sys.version_info[0]}.{sys.version_info[1]}-venv, and run the same command again."
        )


def _install(file: Path) -> None:
    wanted = _requirements(file)
    have = _requirements(INSTALLED) if INSTALLED.exists() else {}
    if wanted.items() <= have.items():
        return
    print(f"Installing {file.name} into .venv", flush=True)
    INSTALLED.unlink(missing_ok=True)  # it is true again only after pip has succeeded
    pip: list[str | Path] = [VENV_PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    # Python compiles what it imports, once; pip would compile all of it first.
    if subprocess.run([*pip, "--no-compile", "--require-hashes", "--requirement", file]).returncode != 0:
        sys.exit(
            "The packages could not be installed; above is what pip said. If it is about a connection, look at your "
            "network, and run the same command again."
        )
    INSTALLED.write_text("".join(f"{name}{rest}\n" for name, rest in {**have, **wanted}.items()))


def _requirements(file: Path) -> dict[str, str]:
    """Each package's version, and the platforms it is for, by its name with its extras."""
    pinned = r"^([A-Za-z0-9._-]+(?:\[[A-Za-z0-9._,-]+\])?)(==[^\\\n]*?)\s*\\?$"
    return dict(re.findall(pinned, file.read_text(), re.MULTILINE))


if __name__ == "__main__":
    call(main)
