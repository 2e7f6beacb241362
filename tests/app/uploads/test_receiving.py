"""Uploads that pass through web as a stream."""

import threading

import pytest
from django.core.files.storage import default_storage as storage

from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle, parts
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import Gone, NotAllowed, Refused
from mayfly.uploads.ids import new_id
from mayfly.uploads.parts import MiB
from mayfly.uploads.receiving import Receiver

from ...support.broken import Wrapped, down
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


@pytest.fixture
def small_parts(monkeypatch):
    """A stream of 5 MiB and more has several parts."""
    monkeypatch.setattr(parts, "PART_SIZE", 5 * MiB)


def stream(size: int, **methods) -> tuple[Receiver, list[int]]:
    """A receiver for so many bytes with these methods of storage replaced, and the sizes of the parts that it sends."""
    upload = lifecycle.begin(box=new_id(), kind=Kind.FILE, name="a", size=size, storage=storage)
    sizes: list[int] = []

    def write_part(key, transfer_id, number, content):
        sizes.append(len(content))
        return storage.write_part(key, transfer_id, number, content)

    return Receiver(upload, storage=Wrapped(**{"write_part": write_part} | methods)), sizes


def test_a_stream_is_cut_exactly_whatever_its_chunks(small_parts):
    content = bytes(range(256)) * 4096 * 12
    receiver, sizes = stream(len(content), parts=down)
    for start in range(0, len(content), 999_999):
        receiver.write(content[start : start + 999_999])
    upload = receiver.finish(whole=True)
    assert sizes == [5 * MiB, 5 * MiB, 2 * MiB]
    assert b"".join(storage.read(upload.key)) == content


def test_a_chunk_of_several_parts_is_cut_too(small_parts):
    receiver, sizes = stream(11 * MiB)
    receiver.write(bytes(11 * MiB))
    assert receiver.finish(whole=True).state == State.READY
    assert sizes == [5 * MiB, 5 * MiB, MiB]


def test_a_part_is_sent_while_the_next_one_is_received(small_parts):
    """The first part waits until the second one has been received, which would never end if each waited in turn."""
    received, sent_in = threading.Event(), []

    def write_part(key, transfer_id, number, content):
        assert number > 1 or received.wait(20)
        sent_in.append(threading.get_ident())
        return storage.write_part(key, transfer_id, number, content)

    receiver, _ = stream(9 * MiB, write_part=write_part)
    receiver.write(bytes(5 * MiB))
    receiver.write(bytes(4 * MiB))
    received.set()
    assert receiver.finish(whole=True).state == State.READY
    assert sent_in[0] != threading.get_ident() == sent_in[1]


def test_an_error_of_a_part_that_is_sent_ends_the_stream(small_parts):
    receiver, _ = stream(20 * MiB, write_part=down)
    receiver.write(bytes(5 * MiB))
    with pytest.raises(StorageError, match="time-out"):
        receiver.write(bytes(5 * MiB))
    receiver.cancel()
    assert is_empty(receiver.upload)


def test_a_cancel_waits_for_the_part_that_is_being_sent(small_parts):
    """It would arrive after the removal, and keep bytes of an upload that no row knows."""
    begun, may_go_on, order = threading.Event(), threading.Event(), []

    def write_part(key, transfer_id, number, content):
        begun.set()
        assert may_go_on.wait(20)
        order.append("sent")
        return storage.write_part(key, transfer_id, number, content)

    def close_transfers(keys, *, seconds):
        order.append("removed")
        return storage.close_transfers(keys, seconds=seconds)

    receiver, _ = stream(9 * MiB, write_part=write_part, close_transfers=close_transfers)
    receiver.write(bytes(6 * MiB))
    assert begun.wait(20)
    threading.Timer(0.05, may_go_on.set).start()
    receiver.cancel()
    assert order == ["sent", "removed"]
    assert is_empty(receiver.upload)


def test_a_stream_cleared_while_a_part_is_sent_ends_as_gone(small_parts):
    receiver, _ = stream(20 * MiB)
    lifecycle.clear(box=receiver.upload.box, storage=storage)
    receiver.write(bytes(5 * MiB))
    with pytest.raises(Gone):
        receiver.close()
    receiver.cancel()
    assert is_empty(receiver.upload)
