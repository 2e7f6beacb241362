"""What the domain asks of the place where bytes live. `s3.py` and `local.py` both answer it; one suite tests both.

A key is a name like `uploads/4kQ…`; a transfer is one multipart upload under a key, with parts numbered from 1.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


class StorageError(Exception):
    """Storage did not answer, or not so that anything follows. What was asked for may or may not have happened."""


class TransferNotFound(Exception):
    """There is no such open transfer: it was completed or aborted, or never begun."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that storage has: its number, its size in bytes, and the tag by which storage knows its content."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class SignedPart:
    """Where and how a client sends one part: PUT exactly `size` bytes to `url` with `headers`."""

    number: int
    size: int
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a listing of storage shows: an object, or an open transfer under a key, and since when it is there."""

    key: str
    since: datetime


class UploadStorage(Protocol):
    """Every method may raise StorageError. Keys and numbers are the server's own, never a client's."""

    @property
    def origin(self) -> str | None:
        """Scheme, host and port of the URLs that it signs; None where they are paths of this app."""

    def begin(self, key: str, *, content_type: str) -> str:
        """Open a transfer under `key` and return its id."""

    def sign_part(self, key: str, transfer_id: str, number: int, size: int, *, lifetime: timedelta) -> SignedPart:
        """A URL that takes exactly `size` bytes as this part, until `lifetime` from now. Asks storage nothing."""

    def write_part(self, key: str, transfer_id: str, number: int, content: bytes) -> Part:
        """Store one part from here; the same number again replaces it.

        Raises:
            TransferNotFound: the transfer is no longer open.
        """

    def parts(self, key: str, transfer_id: str) -> dict[int, Part]:
        """Every part that has arrived, by number, however many there are.

        Raises:
            TransferNotFound: the transfer is no longer open.
        """

    def complete(self, key: str, transfer_id: str, parts: Iterable[Part]) -> None:
        """Make these parts, in the order of their numbers, the object under `key`, and close the transfer.

        All or nothing: after a failure there is either an open transfer or an object, never a piece of one.

        Raises:
            TransferNotFound: the transfer is no longer open. S3 may instead answer the same call again as it did
                the first time, while the object stays as it is.
        """

    def abort(self, key: str) -> None:
        """Close every open transfer under exactly this key and drop its parts. None open is no error."""

    def size(self, key: str) -> int | None:
        """The object's size in bytes; None only where storage says for certain that there is no such object."""

    def first_bytes(self, key: str, count: int) -> bytes:
        """The object's first `count` bytes, or fewer where it is shorter."""

    def read(self, key: str) -> Iterator[bytes]:
        """The object from its first byte on, a piece at a time; it raises on the way, and is closed to have no more."""

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Make `content`, of our own making, the object under `key`, all of it or nothing; replaces what is there."""

    def remove(self, keys: Sequence[str]) -> dict[str, str]:
        """Remove these objects, however many; an absent one counts as removed.

        Returns why, by key, for those that could not be removed; every other one is gone.
        """

    def absent(self, keys: Sequence[str]) -> set[str]:
        """Those of these keys, however many, under which storage now says that it has nothing."""

    def objects(self, prefix: str) -> Iterator[Found]:
        """Every object whose key begins so, however many there are."""

    def transfers(self, prefix: str) -> Iterator[Found]:
        """Every open transfer whose key begins so, however many there are."""

    def sign_download(self, key: str, *, name: str, content_type: str, lifetime: timedelta) -> str:
        """A URL that gives the bytes as an attachment called `name`, for `lifetime` (a second or more) from now."""

    def sign_preview(self, key: str, *, lifetime: timedelta) -> str:
        """A URL that gives a preview to be shown in a page, for `lifetime` (a second or more) from now."""

    def prepare(self) -> list[str]:
        """Make the place ready for use and configure it; safe to repeat, and to run twice at once.

        Returns a sentence for each thing that it changed.
        """

    def check(self) -> None:
        """Ask storage for a sign of life, for the readiness page."""
