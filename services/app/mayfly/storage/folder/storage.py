"""Bytes in a folder, for one machine without S3. The app itself moves them (`api/bytes.py`).

    objects/<key>                              an object
    transfers/<key>/<transfer id>/<number>     a part of an open transfer
    transfers/<key>/<transfer id>.<token>/     a sealed transfer: its parts are joined in <token>.whole
    transfers/<key>/dropped.<token>/           a folder that is being deleted

Renaming its folder closes a transfer, once and at one moment: the old name accepts no writes after that.
`complete_transfer`, `abort_transfers` and `remove` carry on from every state on disk, so a process may be killed
anywhere.
"""

import os
import re
import secrets
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage

from ..many import one_by_one
from ..protocol import (
    STILL_THERE,
    Beginning,
    Found,
    Part,
    SignedPart,
    StorageError,
    TransferNotFound,
    exactly,
    existing,
)
from .files import CHUNK, changed_at, delete_folder, join, part_of, parts_in, remove_if_empty, sync_folder
from .listing import object_keys, transfer_keys
from .tokens import ObjectGrant, PartGrant, PreviewGrant, token_of

_TRANSFER_ID = re.compile("[0-9a-f]{32}")


class FolderUploadStorage(FileSystemStorage):
    """UploadStorage in the folder `location`. Its URLs are paths; callers make them absolute."""

    def __init__(self, location: str | os.PathLike[str]):
        self._transfers = Path(location).absolute() / "transfers"
        super().__init__(location=self._transfers.with_name("objects"), allow_overwrite=True)

    @property
    def origin(self) -> None:
        return None

    def open_transfer(self, key: str, *, content_type: str) -> str:
        transfer_id = secrets.token_hex(16)
        folder = self._folder(key, transfer_id)
        with _answering():
            while True:
                with suppress(FileExistsError):
                    os.mkdir(folder.parent)
                # An abort may have removed the parent again, finding it empty.
                with suppress(FileNotFoundError):
                    os.mkdir(folder)
                    return transfer_id

    def sign_part(self, key: str, transfer_id: str, number: int, size: int, *, lifetime: timedelta) -> SignedPart:
        token = token_of(PartGrant(key, transfer_id, number, size), lifetime=lifetime)
        return SignedPart(number=number, size=size, url=f"/storage/parts/{token}")

    def write_part(self, key: str, transfer_id: str, number: int, content: bytes | memoryview) -> Part:
        return self.receive_part(key, transfer_id, number, [content])

    def receive_part(self, key: str, transfer_id: str, number: int, chunks: Iterable[bytes | memoryview]) -> Part:
        """Like `write_part`, from a stream. If `chunks` raises, the exception passes through and nothing is stored.

        Raises:
            TransferNotFound: the transfer is not open.
        """
        folder = self._folder(key, transfer_id)
        incoming = folder / f"{secrets.token_hex(8)}.part"
        with _answering():
            try:
                with open(incoming, "xb") as file:
                    for chunk in chunks:
                        file.write(chunk)
                part = part_of(number, os.stat(incoming))
                os.replace(incoming, folder / str(number))
            except FileNotFoundError:
                raise self._not_open(key, transfer_id) from None
            except BaseException:
                incoming.unlink(missing_ok=True)
                raise
        return part

    def parts(self, key: str, transfer_id: str) -> dict[int, Part]:
        with _answering():
            with suppress(FileNotFoundError):
                return parts_in(self._folder(key, transfer_id))
            # Sealed, and then cut off: `complete_transfer` carries on when it is called with these parts.
            sealed = self._sealed(key, transfer_id)
            if sealed is None:
                raise self._not_open(key, transfer_id)
            with suppress(FileNotFoundError):
                if _whole(sealed).exists():
                    return parts_in(sealed)
            self._drop(sealed)
            raise self._not_open(key, transfer_id)

    def complete_transfer(self, key: str, transfer_id: str, parts: Iterable[Part]) -> None:
        folder = self._folder(key, transfer_id)
        with _answering():
            sealed = self._seal(folder, sorted(parts, key=lambda part: part.number))
            # Already sealed, by a call that was cut off or by a parallel one, which then finds its work done.
            sealed = sealed or self._sealed(key, transfer_id)
            if sealed is None:
                raise self._not_open(key, transfer_id)
            self._publish(sealed, key)

    def abort_transfers(self, key: str) -> None:
        of_key = self._of(key)
        with _answering():
            self._check_prepared()
            # Repeat: a completion may have renamed a folder while we looked for the old name.
            while of_key.exists():
                for folder in self._folders(key):
                    self._drop(folder)
                remove_if_empty(of_key)

    def close_transfers(self, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
        return one_by_one(self._why_open, keys, seconds=seconds)

    def length(self, key: str) -> int | None:
        with _answering():
            try:
                return os.stat(self._object(key)).st_size
            except (FileNotFoundError, NotADirectoryError):
                self._check_prepared()
                return None

    def beginning(self, key: str, count: int) -> Beginning | None:
        with _answering():
            try:
                with open(self._object(key), "rb") as file:
                    return Beginning(file.read(count), os.fstat(file.fileno()).st_size)
            except (FileNotFoundError, NotADirectoryError):
                self._check_prepared()
                return None

    def first_bytes(self, key: str, count: int) -> bytes:
        return existing(self.beginning(key, count), key).content

    def read(self, key: str) -> Generator[bytes]:
        with _answering(), open(self._object(key), "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def bytes_at(self, key: str, start: int, count: int) -> bytes:
        with _answering(), open(self._object(key), "rb") as file:
            file.seek(start)
            content = file.read(count)
        return exactly(content, count)

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        # Through a transfer, so that a piece of it is never an object.
        transfer_id = self.open_transfer(key, content_type=content_type)
        try:
            self.complete_transfer(key, transfer_id, [self.write_part(key, transfer_id, 1, content)])
        except TransferNotFound as error:
            raise StorageError(f"{key} was aborted while it was put") from error

    def remove(self, keys: Sequence[str]) -> dict[str, str]:
        errors = {}
        with _answering():
            self._check_prepared()
            for key in keys:
                try:
                    with suppress(FileNotFoundError, NotADirectoryError):
                        os.unlink(self._object(key))
                    # A completion that was cut off leaves a folder, which would outlive the object.
                    for folder in self._folders(key):
                        if "." in folder.name:
                            self._drop(folder)
                    remove_if_empty(self._of(key))
                except OSError as error:
                    errors[key] = str(error)
        return errors

    def absent(self, keys: Sequence[str]) -> set[str]:
        return {key for key in keys if self.length(key) is None}

    def unproven(self, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
        return one_by_one(self._why_unproven, keys, seconds=seconds)

    def objects(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        with _answering():
            self._check_prepared()
            for key in object_keys(Path(self.location), prefix, after):
                with suppress(FileNotFoundError):
                    yield Found(key, since=changed_at(Path(self.location, key)))

    def transfers(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        with _answering():
            self._check_prepared()
            for key in transfer_keys(self._transfers, prefix, after):
                with suppress(FileNotFoundError):
                    # An empty one is left by an abort that was cut off, and needs another abort.
                    for folder in self._folders(key) or [self._of(key)]:
                        yield Found(key, since=changed_at(folder))

    def sign_download(self, key: str, *, name: str, content_type: str, lifetime: timedelta) -> str:
        return f"/storage/objects/{token_of(ObjectGrant(key, name, content_type), lifetime=lifetime)}"

    def sign_preview(self, key: str, *, lifetime: timedelta) -> str:
        return f"/storage/previews/{token_of(PreviewGrant(key), lifetime=lifetime)}"

    def prepare(self) -> list[str]:
        missing = [folder for folder in (self.location, str(self._transfers)) if not os.path.isdir(folder)]
        with _answering():
            for folder in missing:
                os.makedirs(folder, exist_ok=True)
        return [f"Created the folder {folder}." for folder in missing]

    def check(self) -> None:
        with _answering():
            self._check_prepared()
            if not os.access(self._transfers, os.W_OK):
                raise StorageError(f"{self._transfers} cannot be written to")

    def lacking(self) -> list[str]:
        return []

    def _why_unproven(self, key: str) -> str:
        return "" if self.length(key) is None else STILL_THERE

    def _why_open(self, key: str) -> str:
        self.abort_transfers(key)
        return ""

    def _object(self, key: str) -> str:
        return self.path(_plain(key))

    def _folder(self, key: str, transfer_id: str) -> Path:
        """The folder of an open transfer, which may not exist."""
        if not _TRANSFER_ID.fullmatch(transfer_id):
            raise TransferNotFound(transfer_id)
        return self._of(key) / transfer_id

    def _of(self, key: str) -> Path:
        """The parent of this key's transfer folders, whatever their state."""
        return self._transfers / quote(_plain(key), safe="")

    def _folders(self, key: str) -> list[Path]:
        try:
            return list(self._of(key).iterdir())
        except FileNotFoundError:
            return []

    def _sealed(self, key: str, transfer_id: str) -> Path | None:
        return next((folder for folder in self._folders(key) if folder.name.startswith(f"{transfer_id}.")), None)

    def _seal(self, folder: Path, parts: Sequence[Part]) -> Path | None:
        """Join the parts within the open transfer, then close it. None if it is not open."""
        token = secrets.token_hex(8)
        sealed = folder.with_name(f"{folder.name}.{token}")
        whole = folder / f"{token}.whole"
        try:
            join(folder, parts, whole)
            os.rename(folder, sealed)
        except FileNotFoundError:
            return None
        except BaseException:
            whole.unlink(missing_ok=True)
            raise
        return sealed

    def _publish(self, sealed: Path, key: str) -> None:
        whole, target = _whole(sealed), self._object(key)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(whole, target)
        except FileNotFoundError:
            if whole.exists():
                raise
            # An abort or a parallel call was faster.
            self._drop(sealed)
            raise self._not_open(key, sealed.stem) from None
        sync_folder(os.path.dirname(target))
        self._drop(sealed)

    def _drop(self, folder: Path) -> None:
        """Delete a transfer's folder. The rename comes first and closes it, even if the deletion is cut off."""
        dropped = folder.with_name(f"dropped.{secrets.token_hex(8)}")
        with suppress(FileNotFoundError):
            os.rename(folder, dropped)
            delete_folder(dropped)
        remove_if_empty(folder.parent)

    def _not_open(self, key: str, transfer_id: str) -> TransferNotFound:
        """The error to raise. Also finishes the deletions of processes that were cut off."""
        self._check_prepared()
        for folder in self._folders(key):
            if folder.name.startswith("dropped."):
                delete_folder(folder)
        remove_if_empty(self._of(key))
        return TransferNotFound(transfer_id)

    def _check_prepared(self) -> None:
        """Raise StorageError if the whole folder is missing: a volume may not be mounted, so nothing is absent."""
        if not (os.path.isdir(self.location) and os.path.isdir(self._transfers)):
            raise StorageError(f"{self._transfers.parent} is not a storage folder; the release step creates one")


@contextmanager
def _answering() -> Iterator[None]:
    """Turn the file system's exceptions into StorageError, as the protocol promises."""
    try:
        yield
    except OSError as error:
        raise StorageError(str(error)) from error


def _plain(key: str) -> str:
    """The key itself, refused if it could lead out of the folder, although keys come from the server."""
    if "\\" in key or "\0" in key or not {"", ".", ".."}.isdisjoint(key.split("/")):
        raise SuspiciousFileOperation(f"{key!r} is not a key")
    return key


def _whole(sealed: Path) -> Path:
    """The joined parts in a sealed transfer. Its name says which file that is, as two calls may have joined them."""
    return sealed / f"{sealed.suffix.removeprefix('.')}.whole"
