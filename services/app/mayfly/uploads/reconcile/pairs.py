"""Both sides in the order of keys, side by side, with a page of each in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...storage.keys import UPLOADS, upload_key
from ...storage.protocol import Found, StorageError
from ..models import Upload

# How many rows are read at a time, and how many keys are compared between two records of the round. S3 lists as many
# in one page, and removes as many in one call.
PAGE = 1000
# At most so many of these keys are rows that the listing lacks, because storage is asked about each of them.
QUESTIONS = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """One key on both sides: whether there is a live row, and the oldest entry of the listing."""

    key: str
    has_row: bool
    found: Found | None


def live_keys(after: str) -> Iterator[str]:
    """The keys of live uploads after the key `after`, in order, read in pages."""
    last = after.removeprefix(UPLOADS)
    while True:
        page = list(Upload.objects.live().after_in_byte_order(last).values_list("pk", flat=True)[:PAGE])
        for upload_id in page:
            yield upload_key(upload_id)
        if len(page) < PAGE:
            return
        last = page[-1]


def side_by_side(rows: Iterable[str], listing: Iterable[Found], *, after: str = "") -> Iterator[Pair]:
    """The keys of both sides, each once and in order. Both sides come in order; the listing may have a key repeatedly.

    Raises:
        StorageError: the listing is not in order, or does not begin after `after`. Then it proves nothing.
    """
    entries = _oldest_of_each_key(listing, after)
    found = next(entries, None)
    for key in rows:
        while found is not None and found.key < key:
            yield Pair(found.key, has_row=False, found=found)
            found = next(entries, None)
        if found is not None and found.key == key:
            yield Pair(key, has_row=True, found=found)
            found = next(entries, None)
        else:
            yield Pair(key, has_row=True, found=None)
    while found is not None:
        yield Pair(found.key, has_row=False, found=found)
        found = next(entries, None)


def batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Cut the keys of a walk into batches: up to PAGE keys, or fewer if QUESTIONS of them are rows in question."""
    batch: list[Pair] = []
    questions = 0
    for pair in pairs:
        batch.append(pair)
        questions += pair.found is None
        if len(batch) == PAGE or questions == QUESTIONS:
            yield batch
            batch, questions = [], 0
    if batch:
        yield batch


def _oldest_of_each_key(listing: Iterable[Found], after: str) -> Iterator[Found]:
    """One entry for each key, because one key may have several open transfers."""
    oldest, last = None, after
    for found in listing:
        if oldest is not None and found.key == oldest.key:
            oldest = min(oldest, found, key=lambda entry: entry.since)
            continue
        if found.key <= last:
            raise StorageError(f"storage does not list in the order of keys: {found.key!r} after {last!r}")
        if oldest is not None:
            yield oldest
        oldest, last = found, found.key
    if oldest is not None:
        yield oldest
