"""A ledger of what the program promised to the clients of a stack that is being broken.

From the moment at which the program called an upload ready, every answer about it must give its own bytes until its
deadline, and nothing afterwards. An upload that its owner deleted, or pushed out by newer images, may go earlier.
"""

import time
from dataclasses import dataclass, field
from hashlib import sha256

from .stack import Ask

# A signed URL counts whole seconds from the second in which it was made, so it may end this much before the upload.
WHOLE_SECONDS = 2


class Clock:
    """The database's clock, which decides every promise, in seconds since 1970."""

    def __init__(self, table: Ask):
        ahead = []
        for _ in range(10):
            before = time.time()
            [(now,)] = table("SELECT extract(epoch FROM clock_timestamp())")
            after = time.time()
            ahead.append((after - before, float(now) - (before + after) / 2))
        # The quickest answer is the most exact; its error is at most half of its time.
        took, self._ahead = min(ahead)
        self.inexact = took / 2

    def now(self) -> float:
        return time.time() + self._ahead


@dataclass(eq=False)
class Followed:
    """One upload that the program called ready."""

    id: str
    kind: str
    link: str
    download: str
    expires_at: float
    digest: bytes
    token: str
    # It may go at any moment, because its owner asked for its removal or sends newer images.
    let_go: bool = False
    # No page may offer it after this moment: its deadline, or the answer to its owner's removal.
    over_at: float = 0
    signed: str = ""

    def __post_init__(self):
        self.over_at = self.expires_at


@dataclass
class Ledger:
    """Every upload that is followed, and what was wrong. At the end every list but the first must be empty."""

    clock: Clock
    followed: list[Followed] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    served_late: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    fetched: int = 0
    waited: int = 0  # answers that came only after an outage
    broken: list[tuple[float, float, str]] = field(default_factory=list)  # answers of 500: asked, answered, what

    def problems(self) -> dict[str, list[str]]:
        found = {
            "lost": self.lost,
            "altered": self.altered,
            "served after its time": self.served_late,
            "unexpected": self.unexpected,
        }
        return {what: cases for what, cases in found.items() if cases}

    def served(self, upload: Followed, asked: float, what: str) -> None:
        """Record that the program offered it to a client that asked at this moment, by the database's clock."""
        self._in_time(upload, asked, upload.over_at, what)

    def gave(self, upload: Followed, asked: float, content: bytes) -> None:
        """Record that storage gave this content as its bytes."""
        # A URL signed before a removal may still work if the sweep has yet to finish that removal.
        self._in_time(upload, asked, upload.expires_at, "bytes")
        self.fetched += 1
        if sha256(content).digest() != upload.digest:
            self.altered.append(f"{upload.kind} {upload.id}: {len(content)} bytes that differ from what was sent")

    def _in_time(self, upload: Followed, asked: float, end: float, what: str) -> None:
        # The API has milliseconds, the table microseconds.
        late = asked - end - self.clock.inexact - 0.001
        if late > 0:
            self.served_late.append(f"{upload.kind} {upload.id}: {what}, asked for {late:.3f} s after its end")

    def refused(self, upload: Followed, what: str) -> None:
        """Record an answer that it is gone. That is right after its deadline, or once its owner let go of it."""
        left = upload.expires_at - self.clock.now()
        if left > WHOLE_SECONDS and not upload.let_go:
            self.lost.append(f"{upload.kind} {upload.id}: {what}, {left:.1f} s before its end")
