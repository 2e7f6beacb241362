"""The begin of an upload: the row first, then the transfer; quotas; signed parts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection, transaction
from django.db.models.functions import Now

from mayfly.storage.protocol import StorageError, TransferNotFound
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.errors import Gone, NotAllowed
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload

from ...support.broken import Wrapped
from ...support.making import begin, ready

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_row_is_committed_before_the_transfer_is_opened():
    seen = []

    def begin_transfer(key, **more):
        assert not connection.in_atomic_block
        seen.extend(Upload.objects.values_list("state", flat=True))
        return storage.open_transfer(key, **more)

    begin(storage=Wrapped(open_transfer=begin_transfer))
    assert seen == [State.PENDING]


def test_a_failed_begin_leaves_nothing():
    def begin_transfer(key, **more):
        raise StorageError("down")

    with pytest.raises(StorageError):
        begin(storage=Wrapped(open_transfer=begin_transfer))
    assert not Upload.objects.exists()


def test_a_clear_during_a_begin_leaves_no_transfer():
    box, begun = new_id(), []

    def begin_transfer(key, **more):
        begun.append((key, storage.open_transfer(key, **more)))
        lifecycle.clear(box=box, storage=storage)
        # The clear aborted that transfer. The begin itself must find this one, which S3 opens a moment later.
        begun.append((key, storage.open_transfer(key, **more)))
        return begun[-1][1]

    with pytest.raises(Gone):
        begin(box=box, storage=Wrapped(open_transfer=begin_transfer))
    for key, transfer_id in begun:
        with pytest.raises(TransferNotFound):
            storage.parts(key, transfer_id)


def test_pending_uploads_count_towards_the_quota(limits):
    limits(box_quota=10)
    box = new_id()
    begin(b"12345", box=box)
    ready(b"12345", box=box)
    with pytest.raises(NotAllowed) as refusal:
        begin(b"1", box=box)
    assert refusal.value.code == "box_full"
    begin(b"1234567890", box=new_id())


def test_a_removed_upload_frees_its_quota(limits):
    limits(box_quota=5)
    box = new_id()
    lifecycle.remove(ready(box=box), storage=storage)
    ready(box=box)


def test_parallel_begins_never_exceed_the_quota(limits):
    limits(box_quota=20)
    box = new_id()

    def attempt(_):
        try:
            return begin(box=box)
        except NotAllowed:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        begun = [upload for upload in pool.map(attempt, range(16)) if upload]
    assert len(begun) == 4


def test_an_address_has_one_quota_for_all_its_boxes(limits):
    limits(address_quota=10)
    begin(b"12345", address="here")
    ready(b"12345", address="here")
    with pytest.raises(NotAllowed) as refusal:
        begin(b"1", address="here")
    assert refusal.value.code == "address_full"
    begin(b"1", address="elsewhere")


def test_parallel_begins_never_exceed_the_quota_of_an_address(limits):
    limits(address_quota=20)

    def attempt(_):
        try:
            return begin(address="here")
        except NotAllowed:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len([upload for upload in pool.map(attempt, range(16)) if upload]) == 4


def test_a_part_url_never_outlives_its_transfer():
    lifetimes = []

    def sign_part(*args, lifetime):
        lifetimes.append(lifetime)
        return storage.sign_part(*args, lifetime=lifetime)

    upload = begin()
    Upload.objects.update(expires_at=Now() + timedelta(seconds=20))
    lifecycle.sign_parts(upload, [1], storage=Wrapped(sign_part=sign_part))
    assert timedelta(seconds=15) < lifetimes[0] <= timedelta(seconds=20)


def test_a_begin_refuses_to_run_inside_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError):
        begin()
