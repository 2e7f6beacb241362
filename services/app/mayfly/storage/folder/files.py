"""Files and folders on disk, as the folder storage uses them. Nothing here knows where a key is."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from errno import ENOTEMPTY
from pathlib import Path

from ..protocol import Part, PartsRefused

# How much is read or copied at a time, in bytes.
CHUNK = 1024 * 1024


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


def join(folder: Path, parts: Sequence[Part], whole: Path) -> None:
    """Write these very parts one after another to `whole`, down to the disk.

    Raises:
        PartsRefused: there are no parts, or one has not arrived, or one was replaced since it was listed.
        FileNotFoundError: the transfer is not open.
    """
    with open(whole, "xb") as joined:
        if not parts:
            raise PartsRefused("a transfer cannot be completed without parts")
        for part in parts:
            source = folder / str(part.number)
            # In this order: a completion that renames the folder in between must not look like a missing part.
            if not source.exists() and folder.exists():
                raise PartsRefused(f"part {part.number} has not arrived")
            with open(source, "rb") as content:
                there = part_of(part.number, os.fstat(content.fileno()))
                if (there.size, there.etag) != (part.size, part.etag.strip('"')):
                    raise PartsRefused(f"part {part.number} is another one now")
                shutil.copyfileobj(content, joined, CHUNK)
        joined.flush()
        os.fsync(joined.fileno())


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
