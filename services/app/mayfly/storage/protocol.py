"""The interface that the domain needs of storage. `s3` and `folder` implement it, and one test suite covers both.

A key is a name such as `uploads/4kQ…` (see `keys`). A transfer is one multipart upload under a key, with parts
numbered from 1.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


class StorageError(Exception):
    """Storage did not answer, or its answer proves nothing. The request may or may not have taken effect."""


class Unreachable(StorageError):
    """Nothing listens where storage should be. It may be starting."""


class StillAtWork(StorageError):
    """Storage did not answer in time about something that may take it longer: it may go on with it, and succeed."""


class PartsRefused(StorageError):
    """Storage does not join these parts: it lacks one, or has another content under its number."""


# Why storage has not proven something about a key, if no error of its own is the reason.
STILL_THERE = "it is still there"
NO_ANSWER = "no answer in time"
NOT_ASKED = "not asked in time"


class TransferNotFound(Exception):
    """No such transfer is open: it was completed, aborted, or never opened."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that storage has: its number, its size in bytes, and storage's tag for its content."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class SignedPart:
    """The request by which a client sends one part: PUT exactly `size` bytes to `url` with `headers`."""

    number: int
    size: int
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first bytes of an object, and the size of the whole object in bytes."""

    content: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of a listing: an object, or an open transfer under a key, and when it appeared."""

    key: str
    since: datetime


def existing(beginning: Beginning | None, key: str) -> Beginning:
    """The beginning of an object that has to be there. Raises StorageError otherwise."""
    if beginning is None:
        raise StorageError(f"there is no object {key}")
    return beginning


def exactly(content: bytes, count: int) -> bytes:
    """The content, if it has so many bytes. Raises StorageError otherwise."""
    if len(content) != count:
        raise StorageError(f"{len(content)} bytes came in place of {count}")
    return content


class UploadStorage(Protocol):
    """Every method may raise StorageError. Keys and numbers come from the server, never from a client."""

    @property
    def origin(self) -> str | None:
        """Scheme, host and port of the URLs that it signs; None if they are paths of this app."""
        ...

    def open_transfer(self, key: str, *, content_type: str) -> str:
        """Open a transfer under `key` and return its id."""
        ...

    def sign_part(self, key: str, transfer_id: str, number: int, size: int, *, lifetime: timedelta) -> SignedPart:
        """A URL that accepts exactly `size` bytes as this part for `lifetime` from now. Sends storage no request."""
        ...

    def write_part(self, key: str, transfer_id: str, number: int, content: bytes | memoryview) -> Part:
        """Store one part from here; the same number again replaces it. Any thread may call it.

        Raises:
            TransferNotFound: the transfer is not open.
        """
        ...

    def parts(self, key: str, transfer_id: str) -> dict[int, Part]:
        """Every part that has arrived, by number, however many there are.

        Raises:
            TransferNotFound: the transfer is not open.
        """
        ...

    def complete_transfer(self, key: str, transfer_id: str, parts: Iterable[Part]) -> None:
        """Join these parts, by number, into the object under `key`, and close the transfer.

        All or nothing: after a failure there is either an open transfer or an object, never a piece of one. A tag may
        come from a client, with or without its quotes. Some servers do not compare it, and some close the transfer
        when they refuse it.

        Raises:
            PartsRefused: storage has other parts than these.
            TransferNotFound: the transfer is not open. S3 may instead answer a repeated call as it answered
                the first one, and the object stays as it is.
            StillAtWork: storage has not answered yet. Call again in some seconds.
        """
        ...

    def abort_transfers(self, key: str) -> None:
        """Close every open transfer under exactly this key and drop its parts. Without an open transfer, do nothing."""
        ...

    def close_transfers(self, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
        """Abort the open transfers under each of these keys, as `abort_transfers` does, and begin none after `seconds`.

        Returns, by key, why a transfer may still be open; under every key that is not named none is.
        """
        ...

    def length(self, key: str) -> int | None:
        """The object's size in bytes; None only if storage is certain that there is no such object."""
        ...

    def beginning(self, key: str, count: int) -> Beginning | None:
        """The object's size, and its first `count` bytes, or all of them if it is shorter: one request, as a rule.

        None only if storage is certain that there is no such object.
        """
        ...

    def first_bytes(self, key: str, count: int) -> bytes:
        """The object's first `count` bytes, or all of them if it is shorter. An absent object is an error."""
        ...

    def read(self, key: str) -> Generator[bytes]:
        """The object, piece by piece. May raise part-way; close the generator to stop early."""
        ...

    def bytes_at(self, key: str, start: int, count: int) -> bytes:
        """Exactly `count` bytes of the object, from `start` on; never fewer. No connection stays open between calls."""
        ...

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Store `content`, which we generated, under `key`, replacing any object there. All or nothing."""
        ...

    def remove(self, keys: Sequence[str]) -> dict[str, str]:
        """Remove these objects, however many; an absent one counts as removed.

        Returns, by key, why an object could not be removed; every object that is not named is gone.
        """
        ...

    def absent(self, keys: Sequence[str]) -> set[str]:
        """Those of these keys, however many, under which storage says it has nothing now. Asks about each by itself."""
        ...

    def unproven(self, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
        """Ask storage whether these objects, however many, are absent, and begin no question after `seconds`.

        Costs one request a key at most, and one more for a key that is there, however many objects storage has.
        Returns, by key, why the object is not proven to be absent: STILL_THERE, NO_ANSWER, NOT_ASKED, or storage's own
        words. Storage says that it has nothing now under any key that is not named.
        """
        ...

    def objects(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        """Every object whose key begins with `prefix` and comes after `after`, however many there are.

        They come in the order of their keys' bytes in UTF-8, which is the order of Python's strings.
        """
        ...

    def transfers(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        """Every open transfer whose key begins with `prefix` and comes after `after`, in the same order of keys."""
        ...

    def sign_download(self, key: str, *, name: str, content_type: str, lifetime: timedelta) -> str:
        """A URL that gives the bytes as an attachment called `name`, for `lifetime` (a second or more) from now."""
        ...

    def sign_preview(self, key: str, *, lifetime: timedelta) -> str:
        """A URL that gives a preview to show in a page, for `lifetime` (a second or more) from now."""
        ...

    def prepare(self) -> list[str]:
        """Create and configure the place for use; safe to repeat, and to run twice at once.

        Returns a sentence for each change, and for each setting that the operator has to make by hand.
        """
        ...

    def check(self) -> None:
        """Ask storage for a sign of life, for the readiness page."""
        ...

    def lacking(self) -> list[str]:
        """A sentence for each thing that the place lacks and works without, for the readiness page. Takes seconds."""
        ...
