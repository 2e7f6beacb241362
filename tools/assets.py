"""Build what browsers load, unless it is built from these very sources already: bin/assets

Quick if nothing has changed. Node comes from a Python package in .venv; the packages of services/assets come
through npm. `make run` and the tests share it; the images have a stage of their own in services/Dockerfile.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from . import venv
from .paths import APP, ASSETS, REQUIREMENTS, VENV_BIN
from .processes import call, one_at_a_time

BUNDLE = APP / "mayfly" / "pages" / "static" / "mayfly" / "bundle"
BUILT = ".built"  # a digest of the sources; Django collects no file whose name begins with a dot
PACKAGES = [ASSETS / name for name in (".npmrc", "package.json", "package-lock.json")]
BUILD = ASSETS / "build.js"
MODULES = ASSETS / "node_modules"
INSTALLED = MODULES / ".installed"  # a digest of PACKAGES
DRAFT = MODULES / ".bundle"


def main() -> None:
    build()


def build() -> None:
    """Build the bundle. Ends the program with a sentence if that fails. Two at once wait for each other."""
    with one_at_a_time(__file__):
        sources = _digest([*PACKAGES, BUILD, *sorted((ASSETS / "src").rglob("*.*"))])
        if _says(BUNDLE / BUILT, sources):
            return
        venv.fill(REQUIREMENTS / "assets.txt")
        print("Building the browser bundle", flush=True)
        packages = _digest(PACKAGES)
        if not _says(INSTALLED, packages):
            _npm("ci", "--silent")
            INSTALLED.write_text(packages)
        shutil.rmtree(DRAFT, ignore_errors=True)
        _npm("run", "--silent", "build", OUT=str(DRAFT))
        (DRAFT / BUILT).write_text(sources)
        shutil.rmtree(BUNDLE, ignore_errors=True)
        DRAFT.rename(BUNDLE)


def _npm(*arguments: str, **environment: str) -> None:
    path = f"{VENV_BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["npm", *arguments], cwd=ASSETS, env={**os.environ, "PATH": path, **environment}, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        sys.exit(
            "The browser bundle could not be built; above is what npm said. If it is about a connection, look at your "
            "network, and run the same command again."
        )


def _digest(files: Iterable[Path]) -> str:
    """One digest of the names and contents of all files."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(ASSETS)}\0".encode() + file.read_bytes() + b"\0")
    return total.hexdigest()


def _says(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


if __name__ == "__main__":
    call(main)
