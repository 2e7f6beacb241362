"""Files and folders on disk, as the folder storage uses them. Nothing here knows where a key is."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from errno import ENOTEMPTY
from pathlib import Path

from ..protocol import Part


def tag(stat: os.stat_result) -> str:
    """A tag that differs for different content, without reading it: files here are replaced, never rewritten."""
    return f"{stat.st_mtime_ns:x}-{stat.st_ino:x}-{stat.st_size:x}"


def part_of(number: int, stat: os.stat_result) -> Part:
    """The part that a file of this status holds."""
    return Part(number, stat.st_size, tag(stat))


def parts_in(folder: Path) -> dict[int, Part]:
    """The parts in an open or sealed transfer's folder, by number."""
    with os.scandir(folder) as entries:
        return {int(entry.name): part_of(int(entry.name), entry.stat()) for entry in entries if entry.name.isdecimal()}


def changed_at(path: Path) -> datetime:
    """When it was last written to; no file system call gives a folder's creation time."""
    return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)


def sync_folder(folder: str) -> None:
    """Flush the names in `folder` to the disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def delete_folder(folder: Path) -> None:
    """Delete a flat folder; two parallel deletions both succeed."""
    # Repeat: a writer may have been about to create its file when the folder was renamed.
    while folder.exists():
        with suppress(FileNotFoundError):
            for name in os.listdir(folder):
                (folder / name).unlink(missing_ok=True)
        remove_if_empty(folder)


def remove_if_empty(folder: Path) -> None:
    """Remove the folder unless something is in it; an absent one is no error."""
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno != ENOTEMPTY:
            raise
