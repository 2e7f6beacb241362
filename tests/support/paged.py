"""A table and a storage of any size: rows that one statement makes, and a listing that exists a page at a time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice

from django.db import connection

from mayfly.storage.keys import UPLOADS, upload_key
from mayfly.storage.protocol import STILL_THERE, Found

PAGE = 1000
OLD = datetime.now(UTC) - timedelta(days=3)
COLUMNS = "id, box, address, kind, state, name, title, content_type, size, part_size, transfer_id, refusal"
VALUES = "'large' || number % 5000, '', 'file', 'ready', 'a', '', '', 5, 8, '', ''"
TIMES = {
    "sqlite": "printf('%022d', number), {values}, 900000000, datetime('now', '+6 hours'), datetime('now')",
    "postgresql": "lpad(number::text, 22, '0'), {values}, '15m'::interval, now() + '6h'::interval, now()",
}
ROWS = """
    INSERT INTO uploads_upload ({columns}, lifetime, expires_at, completed_at)
    WITH RECURSIVE numbers(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < {count})
    SELECT {selected} FROM numbers
"""


def id_of(number: int) -> str:
    """The id of the row with this number; the order of ids is that of numbers."""
    return f"{number:022}"


def fill(count: int) -> None:
    """Make `count` live rows, numbered from 0."""
    selected = TIMES[connection.vendor].format(values=VALUES)
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(columns=COLUMNS, count=count, selected=selected).replace("%", "%%"), [])
        cursor.execute("ANALYZE")


class PagedStorage:
    """The objects of rows 0 to `count`, except those that are `lost`, and old objects that no row knows.

    `asked` counts the requests that S3 would get, by name.
    """

    def __init__(self, count: int, *, lost: Sequence[int] = (), strays: Sequence[str] = ()):
        self.count, self.lost, self.strays = count, set(lost), sorted(strays)
        self.asked: dict[str, int] = {"list": 0, "head": 0, "delete": 0}

    def objects(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        keys = merge(self._known(after), self._later(self.strays, after)) if prefix == UPLOADS else iter(())
        while True:
            self.asked["list"] += 1
            page = list(islice(keys, PAGE))
            for key in page:
                yield Found(key, since=OLD)
            if len(page) < PAGE:
                return

    def transfers(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        self.asked["list"] += 1
        return iter(())

    def absent(self, keys: Sequence[str]) -> set[str]:
        self.asked["head"] += len(keys)
        return {key for key in keys if not self._has(key)}

    def unproven(self, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
        return dict.fromkeys(set(keys) - self.absent(keys), STILL_THERE)

    def remove(self, keys: Sequence[str]) -> dict[str, str]:
        self.asked["delete"] += -(-len(keys) // PAGE)
        self.strays = [key for key in self.strays if key not in keys]
        self.lost.update(int(key.removeprefix(UPLOADS)) for key in keys if key.removeprefix(UPLOADS).isdecimal())
        return {}

    def abort_transfers(self, key: str) -> None:
        raise AssertionError(f"no transfer of {key} is open")

    def _has(self, key: str) -> bool:
        name = key.removeprefix(UPLOADS)
        return key in self.strays or (name.isdecimal() and int(name) < self.count and int(name) not in self.lost)

    def _known(self, after: str) -> Iterator[str]:
        digits = after.removeprefix(UPLOADS)[: len(id_of(0))]
        first = int(digits) + 1 if digits else 0
        return (upload_key(id_of(number)) for number in range(first, self.count) if number not in self.lost)

    def _later(self, keys: Sequence[str], after: str) -> Iterator[str]:
        return (key for key in keys if key > after)
