"""The proof that many objects are absent, from pages of a listing where these answer for many keys at once.

A page answers for all keys in its range, but it also names each object that lives there. A removal of a backlog has few
others beside it, and a page saves a hundred requests. Among many others a page is worth less than it costs, and then
each key is asked about alone, so the proof never costs many more requests than it has keys.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING

from .. import many
from ..protocol import StorageError
from .answers import answering

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PAGE = 1000
# Pages are worth it while each names at most so many objects for each key that it answers. AWS charges as much for a
# page as for twelve requests, and a page takes as much of the processor as six.
MOST_BESIDE = 80
# So fewer keys are not worth a page.
LEAST = PAGE // MOST_BESIDE


@dataclass(frozen=True, slots=True)
class Page:
    """A page's answer about keys in order: for how many of the first, which are absent, how many objects it names."""

    answered: int
    absent: set[str]
    named: int

    @property
    def is_worth_it(self) -> bool:
        """Whether the next page will be worth it too."""
        return self.named <= self.answered * MOST_BESIDE


def absent_by_listing(client: "S3Client", bucket: str, keys: Sequence[str], *, seconds: float) -> set[str]:
    """Those of these keys of which pages of a listing show within `seconds` that nothing is there.

    About every other key it says nothing certain. A page that fails, or comes later, proves nothing.
    """
    until = monotonic() + seconds
    absent: set[str] = set()
    for prefix, group in groupby(sorted(set(keys)), key=_prefix):
        listing = _Listing(client, bucket, prefix, until)
        absent |= listing.absent(list(group))
    return absent


@dataclass(frozen=True, slots=True)
class _Listing:
    """The listing of the objects under one prefix, of which no page is begun after `until`."""

    client: "S3Client"
    bucket: str
    prefix: str
    until: float

    def absent(self, keys: Sequence[str]) -> set[str]:
        """The first page shows whether more are worth it, and how many keys each will answer. They come all at once."""
        if len(keys) < LEAST:
            return set()
        # As many objects as there are keys, which is enough where few live.
        for first in many.in_time(
            [partial(self._page, keys, min(PAGE, len(keys)))], seconds=self._left(), kind="listing"
        ):
            left = keys[first.answered :]
            if len(left) < LEAST or not first.is_worth_it:
                return first.absent
            size = max(LEAST, first.answered * PAGE * 4 // (first.named * 5))
            ranges = [left[start : start + size] for start in range(0, len(left), size)]
            walks = [partial(self._walk, some) for some in ranges]
            return first.absent.union(*many.in_time(walks, seconds=self._left(), kind="listing"))
        return set()

    def _left(self) -> float:
        return max(0.0, self.until - monotonic())

    def _walk(self, keys: Sequence[str]) -> set[str]:
        """Read page after page while they are worth it."""
        absent: set[str] = set()
        while keys and monotonic() < self.until:
            page = self._page(keys, PAGE)
            absent |= page.absent
            keys = keys[page.answered :]
            if len(keys) < LEAST or not page.is_worth_it:
                break
        return absent

    def _page(self, keys: Sequence[str], size: int) -> Page:
        """Read the page of this size that begins with the first of these keys. Raises StorageError."""
        after = keys[0][:-1]  # sorts before that key
        with answering():
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix, StartAfter=after, MaxKeys=size)
            listed = [item["Key"] for item in page.get("Contents", ())]
            more = page["IsTruncated"]
        if listed != sorted(listed) or (more and not listed) or any(key <= after for key in listed[:1]):
            raise StorageError("storage lists in another order, or from another place")
        answered = keys[: bisect_right(keys, listed[-1]) if more else len(keys)]
        return Page(len(answered), {key for key in answered if not _is_among(listed, key)}, len(listed))


def _is_among(listed: Sequence[str], key: str) -> bool:
    place = bisect_left(listed, key)
    return place < len(listed) and listed[place] == key


def _prefix(key: str) -> str:
    return key[: key.rfind("/") + 1]
