"""Makers of a scene: uploads in every state, and their bytes in storage."""

from datetime import timedelta
from unittest import mock

import httpx
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from django.test import Client

from mayfly.uploads import lifecycle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload
from mayfly.uploads.parts import PART_SIZE
from mayfly.uploads.reconcile import findings

from . import observer

MINE, OTHERS = "mine", "others"


def begin(name: str, *, box: str = MINE, kind: Kind = Kind.FILE, storage=default_storage, address="") -> Upload:
    return lifecycle.begin(box=box, kind=kind, name=name, size=observer.SIZE, address=address, storage=storage)


def part_of(upload: Upload, number: int, content: bytes | None = None) -> bytes:
    start = (number - 1) * upload.part_size
    return (content or observer.content_of(upload.name, upload.kind))[start : start + upload.part_size]


def arrive(upload: Upload, *, content: bytes | None = None) -> Upload:
    for number in range(1, upload.plan.count + 1):
        default_storage.write_part(upload.key, upload.transfer_id, number, part_of(upload, number, content))
    return upload


def ready(name: str, *, kind: Kind = Kind.FILE) -> Upload:
    """An upload that was made as the product does, from begin to complete."""
    return lifecycle.complete(arrive(begin(name, kind=kind)), storage=default_storage)


def there(name: str, state: State = State.READY, *, box: str = MINE, kind: Kind = Kind.FILE, **more) -> Upload:
    """An upload whose row and object are written directly, which is quicker than begin and complete."""
    upload = Upload.objects.create(
        box=box,
        kind=kind,
        name=name,
        state=state,
        size=observer.SIZE,
        part_size=PART_SIZE,
        lifetime=limits.lifetime,
        expires_at=Now() + limits.lifetime,
        completed_at=None if state == State.PENDING else Now(),
        **more,
    )
    observer.put(upload.key, observer.content_of(name, kind))
    return upload


def receipt(name: str, *, removed_at=None, **more) -> Upload:
    """The row that a removed upload leaves; its object and its transfer are gone."""
    upload = there(name, State.REMOVING, **more)
    default_storage.remove([upload.key])
    gone = {"state": State.GONE, "name": "", "removed_at": removed_at or Now()}
    Upload.objects.filter(pk=upload.pk).update(**gone)
    return upload


def one(facts: dict, name: str = "upload") -> Upload:
    return Upload.objects.get(pk=facts[name])


def expire(uploads) -> None:
    uploads.update(expires_at=Now() - timedelta(seconds=1))


def send(part, content: bytes) -> int:
    if part.url.startswith("/"):
        headers = {"Host": "localhost", "Content-Length": str(len(content))}
        return Client().put(part.url, content, "application/octet-stream", headers=headers).status_code
    return httpx.put(part.url, content=content, headers=part.headers).status_code


def later():
    """Let everything that no row accounts for count as older than the longest lifetime."""
    longest = limits.transfer_time + limits.longest_lifetime
    return mock.patch.object(findings, "GRACE", -longest - timedelta(hours=1))
