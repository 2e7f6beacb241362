"""Uploads that pass through web as a stream."""

import pytest
from django.core.files.storage import default_storage as storage

from mayfly.uploads import lifecycle, parts
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import Gone, NotAllowed, Refused
from mayfly.uploads.ids import new_id
from mayfly.uploads.parts import MiB
from mayfly.uploads.receiving import Receiver

from ...support.making import begin, is_empty, state

pytestmark = pytest.mark.django_db


def test_a_stream_becomes_an_upload_of_its_real_size(monkeypatch):
    monkeypatch.setattr(parts, "PART_SIZE", 5 * MiB)
    upload = lifecycle.begin(box=new_id(), kind=Kind.FILE, name="a", size=20 * MiB, storage=storage)
    receiver = Receiver(upload, storage=storage)
    for _ in range(11):
        receiver.write(bytes(MiB))
    upload = receiver.finish(title="tape")
    assert (upload.state, upload.size, upload.title) == (State.READY, 11 * MiB, "tape")
    assert storage.length(upload.key) == 11 * MiB


def test_a_stream_longer_than_declared_is_stopped_and_removed():
    upload = begin(b"12345")
    receiver = Receiver(upload, storage=storage)
    with pytest.raises(NotAllowed):
        receiver.write(b"123456")
    receiver.cancel()
    assert state(upload) is None
    assert is_empty(upload)


def test_a_stream_shorter_than_its_exact_size_is_refused():
    upload = begin(b"12345")
    receiver = Receiver(upload, storage=storage)
    receiver.write(b"1234")
    with pytest.raises(Refused, match="Fewer bytes"):
        receiver.finish(whole=True)
    assert is_empty(upload)


def test_an_empty_stream_is_refused():
    upload = begin(b"12345")
    with pytest.raises(Refused, match="empty"):
        Receiver(upload, storage=storage).finish()
    assert is_empty(upload)


def test_cancelling_leaves_a_ready_upload_alone():
    upload = begin(b"12345")
    receiver = Receiver(upload, storage=storage)
    receiver.write(b"12345")
    receiver.finish(whole=True)
    receiver.cancel()
    assert state(upload) == State.READY


def test_a_stream_into_a_cleared_upload_ends_as_gone():
    upload = begin(b"12345")
    receiver = Receiver(upload, storage=storage)
    receiver.write(b"12345")
    lifecycle.clear(box=upload.box, storage=storage)
    with pytest.raises(Gone):
        receiver.finish(whole=True)
    assert is_empty(upload)
