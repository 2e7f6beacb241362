"""The proof that many objects are absent, from pages of a listing while these answer for many keys at once.

A page answers for all keys in its range, but it also names each object that lives there. A removal of a backlog has few
others beside it, and a page saves hundreds of requests. Among many others a page is worth less than it costs, and then
each key is asked about alone: the proof never costs more requests than it has keys, whatever the bucket holds.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from time import monotonic
from typing import TYPE_CHECKING

from .. import many
from ..protocol import StorageError
from .answers import answering

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

# Fewer keys are not worth a listing.
LEAST = 20
# The first page is a small one: it shows how many others live in the range.
FIRST_PAGE, PAGE = 100, 1000
# Listing goes on while a page names at most so many objects for each key that it answers. AWS charges twelve times as
# much for a page as for a GET.
MOST_BESIDE = 25


def absent_by_listing(client: "S3Client", bucket: str, keys: Sequence[str], *, seconds: float) -> set[str]:
    """Those of these keys of which pages of a listing show within `seconds` that nothing is there.

    About every other key it says nothing certain. A listing that fails, or takes longer, proves nothing.
    """
    groups = [(prefix, list(group)) for prefix, group in groupby(sorted(set(keys)), key=_prefix)]
    until = monotonic() + seconds

    def listed() -> set[str]:
        return {key for prefix, group in groups for key in _absent(client, bucket, prefix, group, until)}

    if all(len(group) < LEAST for _, group in groups):
        return set()
    with suppress(StorageError):
        # In a thread, because a page may take longer than there is time.
        return many.in_time(listed, seconds=seconds, kind="listing") or set()
    return set()


def _absent(client: "S3Client", bucket: str, prefix: str, keys: Sequence[str], until: float) -> set[str]:
    absent: set[str] = set()
    first, size = 0, FIRST_PAGE
    while len(keys) - first >= LEAST and monotonic() < until:
        after = keys[first][:-1]  # sorts before that key
        with answering():
            page = client.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after, MaxKeys=size)
            listed = [item["Key"] for item in page.get("Contents", ())]
            more = page["IsTruncated"]
        if listed != sorted(listed) or (more and not listed) or any(key <= after for key in listed[:1]):
            return set()  # a server that lists in another order, or from another place
        answered = keys[first : bisect_right(keys, listed[-1]) if more else len(keys)]
        absent |= {key for key in answered if not _is_among(listed, key)}
        first += len(answered)
        if len(answered) * MOST_BESIDE < len(listed):
            break
        size = PAGE
    return absent


def _is_among(listed: Sequence[str], key: str) -> bool:
    place = bisect_left(listed, key)
    return place < len(listed) and listed[place] == key


def _prefix(key: str) -> str:
    return key[: key.rfind("/") + 1]
