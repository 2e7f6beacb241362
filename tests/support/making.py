"""Makers of uploads without a request: rows, parts in storage, and the passing of time."""

from collections.abc import Iterable
from datetime import timedelta

from django.core.files.storage import default_storage as storage
from django.db.models.functions import Now

from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import TransferNotFound
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload


def begin(content: bytes = b"hello", *, kind: Kind = Kind.FILE, box: str | None = None, **more) -> Upload:
    """A pending upload that declares the size of `content`."""
    more = {"storage": storage} | more
    return lifecycle.begin(box=box or new_id(), kind=kind, name="a.txt", size=len(content), **more)


def arrive(upload: Upload, content: bytes = b"hello") -> Upload:
    """Put every part of `content` into the upload's transfer."""
    for number in range(1, upload.plan.count + 1):
        start = (number - 1) * upload.part_size
        part = content[start : start + upload.part_size]
        storage.write_part(upload.key, upload.transfer_id, number, part)
    return upload


def ready(content: bytes = b"hello", **more) -> Upload:
    """A complete upload."""
    return lifecycle.complete(arrive(begin(content, **more), content), storage=storage)


def expire(upload: Upload | dict) -> Upload:
    """Move the upload's deadline to a second ago, by the database's clock. Returns the row as it is then."""
    pk = upload["id"] if isinstance(upload, dict) else upload.pk
    Upload.objects.filter(pk=pk).update(expires_at=Now() - timedelta(seconds=1))
    return Upload.objects.get(pk=pk)


def make_row(**changes) -> Upload:
    """A pending row alone, without any bytes in storage. `changes` are columns."""
    values = {
        "box": "b" * 22,
        "kind": Kind.FILE,
        "name": "a.txt",
        "size": 5,
        "part_size": 8,
        "lifetime": timedelta(minutes=15),
        "expires_at": Now() + timedelta(minutes=15),
    }
    upload = Upload.objects.create(**values | changes)
    upload.refresh_from_db()
    return upload


def ready_row(**changes) -> Upload:
    """A ready row alone, without any bytes in storage."""
    return make_row(**{"state": State.READY, "completed_at": Now()} | changes)


def forget(uploads: Iterable[Upload]) -> None:
    """Drop these rows from the table and leave their bytes in storage, as no code of ours does."""
    Upload.objects.filter(pk__in=[upload.pk for upload in uploads])._raw_delete(Upload.objects.db)


def put_stray(key: str, content: bytes = b"stray") -> str:
    """An object that no row knows. Returns its key."""
    transfer_id = storage.open_transfer(key, content_type=OCTETS)
    storage.complete_transfer(key, transfer_id, [storage.write_part(key, transfer_id, 1, content)])
    return key


def empty_storage() -> None:
    """Remove all objects and transfers that other tests left."""
    for prefix in ("uploads/", "previews/"):
        storage.remove([found.key for found in storage.objects(prefix)])
        for found in list(storage.transfers(prefix)):
            storage.abort_transfers(found.key)


def state(upload: Upload) -> str | None:
    """The state that the table has now; None if the row is deleted, as of an upload that never was ready."""
    return Upload.objects.filter(pk=upload.pk).values_list("state", flat=True).first()


def is_empty(upload: Upload) -> bool:
    """Whether storage has neither the object nor the open transfer of this upload."""
    if storage.length(upload.key) is not None:
        return False
    if not upload.transfer_id:
        return True
    try:
        storage.parts(upload.key, upload.transfer_id)
    except TransferNotFound:
        return True
    return False
