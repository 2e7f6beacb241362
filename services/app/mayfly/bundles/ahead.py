"""Reads that begin before their bytes are wanted, so that neither storage nor the client waits for the other."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from ..storage.many import threads

# Reads under way for one reader. More than that only helps if storage takes long to answer about small objects.
MOST = 4


@dataclass(frozen=True, slots=True)
class Read:
    """So many bytes of an object, from `start` on."""

    key: str
    start: int
    count: int


def in_order(reads: Iterable[Read], *, read: Callable[[Read], bytes], memory: int) -> Generator[bytes]:
    """The bytes of each of these reads, in their order. Close the generator to begin no more of them.

    The reads that have begun, and the one whose bytes were given last, have at most `memory` bytes together. A single
    one may be larger.
    """
    under_way: deque[tuple[Future[bytes], int]] = deque()
    remaining = iter(reads)
    following = next(remaining, None)
    held = 0
    try:
        while under_way or following:
            while following and len(under_way) < MOST and (not held or held + following.count <= memory):
                under_way.append((threads("ahead").submit(read, following), following.count))
                held += following.count
                following = next(remaining, None)
            begun, count = under_way.popleft()
            yield begun.result()
            held -= count
    finally:
        for begun, _ in under_way:
            begun.cancel()
