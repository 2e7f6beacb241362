"""The walks of a round: each takes both sides in the order of keys, side by side, with a page of each in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...storage.keys import PREVIEWS, UPLOADS, upload_key
from ...storage.protocol import Found, StorageError, UploadStorage
from ..models import Upload

# How many rows are read at a time, and how many keys are compared between two records of the round. S3 lists as many
# in one page, and removes as many in one call.
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Pair:
    """What the two sides have under one key: whether there is a live row, and the oldest entry of the listing."""

    key: str
    has_row: bool
    found: Found | None


@dataclass(frozen=True, slots=True)
class Walk:
    """One listing of storage, objects or open transfers, beside the rows that should be in it."""

    prefix: str
    of_transfers: bool

    def pairs(self, storage: UploadStorage, *, after: str) -> Iterator[Pair]:
        """Every key after `after` that either side has, in order.

        Raises:
            StorageError: storage does not answer, or its listing is not in order.
        """
        if self.of_transfers:
            return side_by_side((), storage.transfers(self.prefix, after=after), after=after)
        # A live row needs an object; it may lack its preview, and has no transfer any more.
        rows = live_keys(after) if self.prefix == UPLOADS else ()
        return side_by_side(rows, storage.objects(self.prefix, after=after), after=after)


# A round names a walk by its number here.
WALKS = (Walk(UPLOADS, False), Walk(PREVIEWS, False), Walk(UPLOADS, True), Walk(PREVIEWS, True))


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
