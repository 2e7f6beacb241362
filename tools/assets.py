"""Build what browsers load, and check its sources.

    bin/assets              install all packages, and build the bundle, unless that is done already
    bin/assets SCRIPT...    run these scripts of package.json: `lint`, `types`

Quick if nothing has changed. Node comes from a Python package in .venv; the packages of services/assets come
through npm. `make run` and the tests share it; the images have a stage of their own in services/Dockerfile.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import venv
from .paths import APP, ASSETS, REQUIREMENTS, VENV_BIN
from .processes import call, one_at_a_time

BUNDLE = APP / "mayfly" / "pages" / "static" / "mayfly" / "bundle"
BUILT = ".built"  # a digest of the sources; Django collects no file whose name begins with a dot
PACKAGES = [ASSETS / name for name in (".npmrc", "package.json", "package-lock.json")]
BUILD = ASSETS / "build.js"
MODULES = ASSETS / "node_modules"
INSTALLED = MODULES / ".installed"  # a digest of PACKAGES, and what was omitted
TO_BUILD = "--omit=dev"  # for npm: leave out what linters and tests need, which is six times as much
DRAFT = MODULES / ".bundle"


def main() -> None:
    fetch()
    if sys.argv[1:]:
        run(sys.argv[1:])
    else:
        build()


def fetch() -> None:
    """Install all packages, those of linters and tests too. Ends the program with a sentence if that fails."""
    with one_at_a_time(__file__):
        venv.fill(REQUIREMENTS / "assets.txt")
        if not _install():
            sys.exit("The packages of services/assets could not be installed; above is what npm said.")


def build() -> None:
    """Build the bundle, and install what that takes. Two at once wait for each other.

    Quick if the bundle is built from these very sources already. Ends the program with a sentence if the build fails.
    """
    with one_at_a_time(__file__):
        sources = _digest([*PACKAGES, BUILD, *sorted((ASSETS / "src").rglob("*.*"))])
        if _says(BUNDLE / BUILT, sources):
            return
        venv.fill(REQUIREMENTS / "assets.txt")
        print("Building the browser bundle", flush=True)
        shutil.rmtree(DRAFT, ignore_errors=True)
        if not (_install(TO_BUILD) and _npm("run", "--silent", "build", OUT=str(DRAFT))):
            sys.exit(
                "The browser bundle could not be built; above is what npm said. If it is about a connection, look at "
                "your network, and run the same command again."
            )
        (DRAFT / BUILT).write_text(sources)
        shutil.rmtree(BUNDLE, ignore_errors=True)
        DRAFT.rename(BUNDLE)


def run(scripts: Sequence[str]) -> None:
    """Run these scripts of package.json, each even if one before it fails. Ends the program if any has failed."""
    results = [_npm("run", "--silent", script) for script in scripts]
    if not all(results):
        sys.exit(1)


def _install(*options: str) -> bool:
    """Install the packages, except for those that these options of npm omit. False if npm fails."""
    packages = _digest(PACKAGES)
    wanted = " ".join([packages, *options])
    if not (_says(INSTALLED, packages) or _says(INSTALLED, wanted)):
        if not _npm("ci", "--silent", *options):
            return False
        INSTALLED.write_text(wanted)
    return True


def _npm(*arguments: str, **environment: str) -> bool:
    path = f"{VENV_BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["npm", *arguments], cwd=ASSETS, env={**os.environ, "PATH": path, **environment}, stdin=subprocess.DEVNULL
    )
    return done.returncode == 0


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
