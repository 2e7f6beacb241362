"""The changes that a walk asks for, and the image with the changes made."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .source import Unreadable

# Neighbours count as one, so that only an image which was built to be many has more.
MOST_EDITS = 50_000
BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Edit:
    """In place of the bytes from `start` to before `end` come `new`, and then so many zeros."""

    start: int
    end: int
    new: bytes = b""
    zeros: int = 0


class Edits:
    """The edits of one image, as a walk finds them."""

    def __init__(self) -> None:
        self._edits: list[Edit] = []

    def drop(self, start: int, end: int) -> None:
        """Leave these bytes out."""
        last = self._edits[-1] if self._edits else None
        if last and last.end == start and not last.zeros:
            self._edits[-1] = Edit(last.start, end, last.new)
        elif start < end:
            self._add(Edit(start, end))

    def replace(self, start: int, end: int, new: bytes) -> None:
        """Let these bytes be others."""
        self._add(Edit(start, end, new))

    def blank(self, start: int, end: int, new: bytes = b"") -> None:
        """Let these bytes be `new` and zeros, so that nothing after them moves."""
        if start < end:
            self._add(Edit(start, end, new, end - start - len(new)))

    def removed(self, end: int) -> int:
        """By how many bytes the image before `end` gets shorter. No edit reaches across it."""
        return sum(edit.end - edit.start - len(edit.new) - edit.zeros for edit in self._edits if edit.end <= end)

    def in_order(self) -> list[Edit]:
        """All edits by their place. Raises Unreadable if two of them want the same bytes."""
        edits = sorted(self._edits, key=lambda edit: edit.start)
        if any(one.end > other.start for one, other in zip(edits, edits[1:], strict=False)):
            raise Unreadable("two parts in one place")
        return edits

    def _add(self, edit: Edit) -> None:
        if len(self._edits) == MOST_EDITS:
            raise Unreadable("too many pieces to leave out")
        self._edits.append(edit)


def size_after(size: int, edits: Iterable[Edit]) -> int:
    """The size of an image of `size` bytes with these edits made."""
    return size + sum(len(edit.new) + edit.zeros - (edit.end - edit.start) for edit in edits)


def applied(pieces: Iterable[bytes], edits: Iterable[Edit]) -> Iterator[bytes]:
    """The image with these edits made, which are in order; piece by piece."""
    ordered = iter(edits)
    edit = next(ordered, None)
    position = 0  # in the original
    for piece in pieces:
        end = position + len(piece)
        start = position
        while edit and edit.start < end:
            if position <= edit.start:  # else it began in an earlier piece
                yield piece[position - start : edit.start - start]
                yield from _instead(edit)
            position = min(edit.end, end)
            if edit.end > end:
                break
            edit = next(ordered, None)
        yield piece[position - start :]
        position = end
    if edit and edit.start == position:
        yield from _instead(edit)


def _instead(edit: Edit) -> Iterator[bytes]:
    yield edit.new
    for begin in range(0, edit.zeros, BLOCK):
        yield bytes(min(BLOCK, edit.zeros - begin))
