"""The static files as the build of an image leaves them, collected once for all processes of a test run."""

import fcntl
import shutil
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from .configuration import ROOT


def collected(place: Path) -> Path:
    """The folder of the static files below `place`. The first process collects them, and the others wait."""
    folder = place / "collected"
    with (place / "collected.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            settings.STATIC_ROOT = place / "collecting"
            call_command("collectstatic", verbosity=0, interactive=False)
            settings.STATIC_ROOT.rename(folder)
    return folder


def with_statics(place: Path, static_root: Path) -> Path:
    """Copy services/ below `place`, as an image has it: with these collected static files and no data."""
    ignored = shutil.ignore_patterns("staticfiles", "data", "node_modules")
    services = shutil.copytree(ROOT / "services", place / "services", ignore=ignored)
    shutil.copytree(static_root, services / "app/staticfiles")
    return services
