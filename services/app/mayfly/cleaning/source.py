"""An image as a walk reads it: once and forwards."""

from collections.abc import Iterable
from re import Pattern

# More steps than any image takes that people send: a GIF of 64 MB has 250,000 blocks. They take 3 s at most.
MOST_STEPS = 2_000_000
# The end of an image, for what can only be found from there.
TAIL = 65_536


class Unreadable(Exception):
    """The image is not built as its format says, or of too many pieces."""


class NotAtHand(Exception):
    """The walk needs bytes that were not given."""


class Source:
    """An image of `size` bytes, of which `pieces` has the first ones or all."""

    def __init__(self, pieces: Iterable[bytes], size: int):
        self.size = size
        self.position = 0  # of the next byte to take
        self._pieces = iter(pieces)
        self._buffer, self._start, self._before, self._steps = b"", 0, b"", 0

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.position >= self.size

    def take(self, count: int) -> bytes:
        """The next `count` bytes, or what is left of the image. Raises NotAtHand, Unreadable."""
        self._step()
        end = min(self.position + count, self.size)
        taken = []
        while self.position < end:
            self._load()
            first = self.position - self._start
            taken.append(self._buffer[first : first + end - self.position])
            self.position += len(taken[-1])
        return b"".join(taken)

    def go_to(self, position: int) -> None:
        """Pass over what comes before this position, which need not be at hand, or to the end of the image."""
        self.position = min(position, self.size)

    def find(self, pattern: Pattern[bytes]) -> bool:
        """Go to the next two bytes that this pattern matches, or to the end of the image. Raises NotAtHand, Unreadable.

        False if there are none.
        """
        self._step()
        while not self.is_over:
            self._load()
            match = pattern.search(self._buffer, self.position - self._start)
            if match:
                self.position = self._start + match.start()
                return True
            self.position = self._start + len(self._buffer)
            if not self.is_over:
                # The first of the two bytes may be the last of this piece.
                self._next(keep=1)
                self.position = max(self.position - 1, self._start)
        return False

    def tail(self) -> bytes:
        """The last bytes of an image that was read to its end."""
        return (self._before + self._buffer)[-TAIL:]

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Unreadable("too many pieces")

    def _load(self) -> None:
        """Have the byte at the position in the buffer."""
        while self.position >= self._start + len(self._buffer):
            self._next(keep=0)

    def _next(self, *, keep: int) -> None:
        piece = next(self._pieces, b"")
        if not piece:
            raise NotAtHand
        self._before = self._buffer[-TAIL:]
        kept = self._buffer[len(self._buffer) - keep :]
        self._start += len(self._buffer) - len(kept)
        self._buffer = kept + piece
