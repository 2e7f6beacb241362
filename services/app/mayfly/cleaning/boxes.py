"""Boxes of ISO media files (ISO 14496-12, 4.2) that are in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

from .edits import Edits
from .source import Unreadable

FREE = b"free"


@dataclass(frozen=True, slots=True)
class Box:
    """A box from `start` to before `end`; its content begins at `body`."""

    kind: bytes
    start: int
    body: int
    end: int


class Numbers:
    """Reads big-endian numbers one after another. Raises Unreadable beyond the end."""

    def __init__(self, content: bytes, position: int, end: int):
        self._content, self.position, self._end = content, position, end

    def bytes(self, count: int) -> bytes:
        """The next bytes."""
        position = self.position
        self.position += count
        if self.position > self._end:
            raise Unreadable("a box that is too short")
        return self._content[position : self.position]

    def number(self, length: int) -> int:
        """The next number, of `length` bytes; 0 if it has none."""
        return int.from_bytes(self.bytes(length))


def length_of(head: bytes, most: int) -> tuple[int, int]:
    """The lengths of a box and of its head, by its first 8 to 16 bytes and the bytes left. Raises Unreadable."""
    length, own = int.from_bytes(head[:4]), 8
    if length == 1:
        length, own = int.from_bytes(head[8:16]), 16
    if length == 0:
        length = most
    if not own <= length <= most:
        raise Unreadable("a box of no length")
    return length, own


def boxes_in(content: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two places. Raises Unreadable."""
    while start < end:
        length, own = length_of(content[start : start + 16], end - start)
        yield Box(content[start + 4 : start + 8], start, start + own, start + length)
        start += length


def blank(content: bytes, box: Box, edits: Edits, *, at: int) -> None:
    """Turn a box into free space of its length. `at` is the place of the content in the image."""
    if box.kind != FREE or any(content[box.body : box.end]):
        free(box, edits, at=at)


def free(box: Box, edits: Edits, *, at: int) -> None:
    """Turn a box into free space of its length, whatever is in it."""
    kind = at + box.start + 4
    if box.body == box.start + 8:
        edits.blank(kind, at + box.end, FREE)
    else:  # its length is between its kind and its content
        edits.replace(kind, kind + 4, FREE)
        edits.blank(at + box.body, at + box.end)
