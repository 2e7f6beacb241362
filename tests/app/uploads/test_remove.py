"""Removal: hidden first, then out of storage, and gone once storage has confirmed it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection

from mayfly.storage.protocol import StorageError, TransferNotFound
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import Gone
from mayfly.uploads.ids import new_id
from mayfly.uploads.lifecycle import Cleared
from mayfly.uploads.models import Upload

from ...support.broken import Wrapped
from ...support.making import arrive, begin, is_empty, ready, state
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)


def test_removal_erases_the_bytes_the_name_and_the_address():
    upload = ready(title="mine", address="here")
    assert lifecycle.remove(upload, storage=storage)
    row = Upload.objects.get()
    assert (row.state, row.name, row.title, row.address) == (State.GONE, "", "", "")
    assert row.removed_at is not None
    assert is_empty(upload)


def test_a_second_removal_does_nothing():
    upload = ready()
    assert lifecycle.remove(upload, storage=storage)
    removed_at = Upload.objects.get().removed_at
    assert not lifecycle.remove(upload, storage=storage)
    assert Upload.objects.get().removed_at == removed_at


def test_clearing_a_kind_removes_every_upload_of_it_and_no_other():
    box = new_id()
    file, image = ready(box=box), ready(PNG, kind=Kind.IMAGE, box=box)
    pending, other = arrive(begin(box=box)), ready()
    assert lifecycle.clear(box=box, kind=Kind.FILE, storage=storage) == Cleared(removed=2, left=0)
    assert is_empty(file)
    assert is_empty(pending)
    assert state(image) == state(other) == State.READY
    assert lifecycle.clear(box=box, storage=storage) == Cleared(removed=1, left=0)
    assert is_empty(image)


def test_an_old_part_url_writes_nothing_after_the_removal():
    upload = arrive(begin())
    lifecycle.remove(upload, storage=storage)
    with pytest.raises(TransferNotFound):
        storage.write_part(upload.key, upload.transfer_id, 1, b"hello")
    with pytest.raises(Gone):
        lifecycle.sign_parts(upload, [1], storage=storage)
    assert is_empty(upload)


def test_a_failed_removal_is_hidden_until_a_sweep_finishes_it():
    upload = ready()
    lifecycle.remove(upload, storage=Wrapped(remove=lambda keys: dict.fromkeys(keys, "InternalError")))
    assert state(upload) == State.REMOVING
    assert Upload.objects.get().removing_since is not None
    assert not Upload.objects.live().exists()
    lifecycle.sweep(storage=storage)
    assert state(upload) == State.GONE
    assert is_empty(upload)


def test_a_visitor_can_clear_while_storage_is_down():
    upload = ready()

    def remove(keys):
        raise StorageError("time-out")

    assert lifecycle.clear(box=upload.box, storage=Wrapped(remove=remove)) == Cleared(removed=1, left=1)
    assert state(upload) == State.REMOVING
    assert lifecycle.sweep(storage=storage).removed == 1


def test_a_transfer_is_aborted_before_the_object_is_removed():
    upload, steps = arrive(begin()), []

    def close(keys, *, seconds):
        steps.append("close")
        return storage.close_transfers(keys, seconds=seconds)

    def remove(keys):
        steps.append("remove")
        return storage.remove(keys)

    lifecycle.remove(upload, storage=Wrapped(close_transfers=close, remove=remove))
    assert steps == ["close", "remove"]


def test_the_removal_is_committed_before_storage_is_asked():
    upload = ready()
    seen = []

    def remove(keys):
        # A crash here rolls this transaction back. Only the state that another connection sees would remain.
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(committed_state, upload.pk).result())
        return storage.remove(keys)

    lifecycle.remove(upload, storage=Wrapped(remove=remove))
    assert seen == [State.REMOVING]


def committed_state(pk: str) -> str:
    try:
        return Upload.objects.values_list("state", flat=True).get(pk=pk)
    finally:
        connection.close()
