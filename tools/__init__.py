"""The programs behind `make`: Python's standard library alone, because they run before anything is installed.

They need Python 3.11. On an older one this package starts the same command again with a newer Python, if there is one.
bin/ has a thin caller for each program.
"""

import os
import shutil
import sys

NEEDED = (3, 11)
NEWEST_KNOWN = 15  # the last minor version to look for


def refuse_windows() -> None:
    """End with a sentence where Python is without the calls of Linux and macOS."""
    if os.name == "nt":
        sys.exit(
            "Mayfly's programs need Linux or macOS. On Windows, open the checkout in WSL "
            "(https://learn.microsoft.com/windows/wsl/install) and run the same command there."
        )


def use_newer_python() -> None:
    """Replace this process by the same command under a newer Python, if this one is too old."""
    if sys.version_info >= NEEDED:
        return
    for minor in range(NEWEST_KNOWN, NEEDED[1] - 1, -1):
        newer = shutil.which("python3." + str(minor))
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606  (it needs no shell)
    version = ".".join(map(str, sys.version_info[:2]))
    sys.exit(
        "Mayfly needs Python 3.11 or later, and python3 is " + version + ". Install a newer one beside it (python.org, "
        "your system's packages, or `uv python install`) and run the same command again."
    )


refuse_windows()
use_newer_python()
