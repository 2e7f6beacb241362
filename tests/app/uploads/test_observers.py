"""Consequences of a change that no caller asks for."""

import pytest
from django.core.files.storage import default_storage as storage
from django.db import OperationalError

from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from ...support.broken import storage_class
from ...support.people import send
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_fourth_image_removes_the_oldest(owner):
    images = [owner.upload(PNG, kind="image") for _ in range(4)]
    keys = [Upload.objects.get(pk=image["id"]).key for image in images]
    assert storage.length(keys[0]) is None
    assert all(storage.length(key) for key in keys[1:])
    assert owner.get(f"/api/uploads/{images[0]['id']}").status_code == 410


def test_a_failed_removal_of_the_oldest_does_not_undo_the_newest(owner, monkeypatch):
    """The removal fails after the commit, so the fourth is ready, and the sweep removes the oldest."""

    def fails(self, key):
        raise OperationalError("the connection is gone")

    oldest, *_ = [owner.upload(PNG, kind="image") for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(storage_class(), "remove", fails)
        newest = owner.upload(PNG, kind="image")
    assert newest["state"] == "ready"
    lifecycle.sweep(storage=storage)
    assert Upload.objects.get(pk=oldest["id"]).state == State.GONE


def test_deleting_a_row_past_the_lifecycle_removes_its_bytes(owner):
    ready, pending = owner.upload(), owner.begin()
    keys = [Upload.objects.get(pk=upload["id"]).key for upload in (ready, pending)]
    [part] = owner.sign(pending, 1)
    for upload in (ready, pending):
        Upload.objects.get(pk=upload["id"]).delete()
    assert [storage.length(key) for key in keys] == [None, None]
    assert send(part, b"hello") in (403, 404)


def test_a_row_stays_if_its_bytes_cannot_be_removed(owner, monkeypatch):
    upload = Upload.objects.get(pk=owner.upload()["id"])
    monkeypatch.setattr(storage_class(), "remove", lambda self, keys: dict.fromkeys(keys, "InternalError"))
    with pytest.raises(StorageError):
        upload.delete()
    assert Upload.objects.filter(pk=upload.pk).exists()
