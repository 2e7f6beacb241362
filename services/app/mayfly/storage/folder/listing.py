"""Listings of the folder in the order of keys, with few names in memory, however many files there are."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from heapq import nsmallest
from pathlib import Path
from urllib.parse import unquote

# How many names are in memory at a time: some 10 MB. A file system gives names in no order, so each page reads all of
# them, which takes a second for a million.
PAGE = 20_000


def object_keys(root: Path, prefix: str, after: str) -> Iterator[str]:
    """The keys after `after` of the files in `root` that begin with `prefix`, in the order of their bytes in UTF-8."""
    folder = prefix.rpartition("/")[0]

    def keys() -> Iterator[str]:
        for key in _files(root / folder, f"{folder}/" if folder else ""):
            if key.startswith(prefix):
                yield key

    return _in_order(keys, after)


def transfer_keys(root: Path, prefix: str, after: str) -> Iterator[str]:
    """The keys after `after` of the transfers in `root` that begin with `prefix`, in the same order."""

    def keys() -> Iterator[str]:
        with os.scandir(root) as entries:
            for entry in entries:
                if (key := unquote(entry.name)).startswith(prefix):
                    yield key

    return _in_order(keys, after)


def _files(folder: Path | str, prefix: str) -> Iterator[str]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path, f"{prefix}{entry.name}/")
            else:
                yield f"{prefix}{entry.name}"


def _in_order(keys: Callable[[], Iterable[str]], after: str) -> Iterator[str]:
    while True:
        page = nsmallest(PAGE, _later(keys(), after))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]


def _later(keys: Iterable[str], after: str) -> Iterator[str]:
    return (key for key in keys if key > after)
