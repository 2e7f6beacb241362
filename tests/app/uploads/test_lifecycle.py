"""The rules of the domain: states, their order, and what a removal leaves."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection, transaction
from django.db.models.functions import Now

from mayfly.storage.protocol import StorageError, TransferNotFound
from mayfly.uploads import lifecycle, opening, parts
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import Gone, NotAllowed, PartsMissing, Refused
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.uploads.parts import MiB
from mayfly.uploads.receiving import Receiver

from ..conftest import PNG, expire

pytestmark = pytest.mark.django_db(transaction=True)


class Wrapped:
    """The real storage, with one method taken over by the test."""

    def __init__(self, **methods):
        self._methods = methods

    def __getattr__(self, name):
        return self._methods.get(name) or getattr(storage, name)


def begin(content: bytes = b"hello", *, kind: Kind = Kind.FILE, box: str | None = None, **more) -> Upload:
    return lifecycle.begin(
        box=box or new_id(), kind=kind, name="a.txt", size=len(content), **{"storage": storage} | more
    )


def arrive(upload: Upload, content: bytes = b"hello") -> Upload:
    for number in range(1, upload.plan.count + 1):
        start = (number - 1) * upload.part_size
        part = content[start : start + upload.part_size]
        storage.write_part(upload.key, upload.transfer_id, number, part)
    return upload


def ready(content: bytes = b"hello", **more) -> Upload:
    return lifecycle.complete(arrive(begin(content, **more), content), storage=storage)


def state(upload: Upload) -> str:
    return Upload.objects.get(pk=upload.pk).state


def is_empty(upload: Upload) -> bool:
    """Storage has neither an object nor an open transfer of it."""
    if storage.length(upload.key) is not None:
        return False
    if upload.transfer_id:
        with pytest.raises(TransferNotFound):
            storage.parts(upload.key, upload.transfer_id)
    return True


# begin


def test_the_row_is_committed_before_storage_hears_of_it():
    seen = []

    def begin_transfer(key, **more):
        assert not connection.in_atomic_block
        seen.extend(Upload.objects.values_list("state", flat=True))
        return storage.open_transfer(key, **more)

    begin(storage=Wrapped(open_transfer=begin_transfer))
    assert seen == [State.PENDING]


def test_an_upload_that_storage_cannot_begin_leaves_nothing():
    def begin_transfer(key, **more):
        raise StorageError("down")

    with pytest.raises(StorageError):
        begin(storage=Wrapped(open_transfer=begin_transfer))
    assert Upload.objects.get().state == State.GONE


def test_a_clear_while_an_upload_begins_leaves_no_transfer():
    box, begun = new_id(), []

    def begin_transfer(key, **more):
        begun.append((key, storage.open_transfer(key, **more)))
        lifecycle.clear(box=box, storage=storage)
        # The clear aborted that one; what S3 opens a moment later has to be found too.
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


def test_a_removed_upload_gives_its_quota_back(limits):
    limits(box_quota=5)
    box = new_id()
    lifecycle.remove(ready(box=box), storage=storage)
    ready(box=box)


def test_the_quota_is_exact_however_many_begin_at_once(limits):
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


def test_one_address_has_a_quota_over_all_its_boxes(limits):
    limits(address_quota=10)
    begin(b"12345", address="here")
    ready(b"12345", address="here")
    with pytest.raises(NotAllowed) as refusal:
        begin(b"1", address="here")
    assert refusal.value.code == "address_full"
    begin(b"1", address="elsewhere")


def test_the_quota_of_an_address_is_exact_however_many_begin_at_once(limits):
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


# complete


def test_a_complete_upload_is_ready_and_lives_its_lifetime():
    upload = ready(lifetime=timedelta(seconds=100))
    assert upload.state == State.READY
    left = Upload.objects.live().with_time_left().get().time_left
    assert timedelta(seconds=90) < left <= timedelta(seconds=100)
    assert storage.first_bytes(upload.key, 100) == b"hello"


def test_an_upload_of_several_parts_is_whole(monkeypatch):
    monkeypatch.setattr(parts, "PART_SIZE", 5 * MiB)
    content = bytes(range(256)) * 4096 * 6
    upload = ready(content)
    assert upload.plan.count == 2
    assert storage.length(upload.key) == len(content)
    assert storage.first_bytes(upload.key, len(content)) == content


def test_missing_parts_are_named_and_can_still_come():
    upload = begin()
    with pytest.raises(PartsMissing) as missing:
        lifecycle.complete(upload, storage=storage)
    assert missing.value.numbers == [1]
    assert lifecycle.complete(arrive(upload), storage=storage).state == State.READY


def test_a_part_of_another_size_is_refused_and_removed():
    upload = begin(b"hello")
    arrive(upload, b"hell")
    with pytest.raises(Refused, match="not those that were declared"):
        lifecycle.complete(upload, storage=storage)
    assert state(upload) == State.GONE
    assert is_empty(upload)


def test_a_part_too_many_is_refused_and_removed():
    upload = arrive(begin())
    storage.write_part(upload.key, upload.transfer_id, 2, b"more")
    with pytest.raises(Refused):
        lifecycle.complete(upload, storage=storage)
    assert is_empty(upload)


def test_what_is_no_image_is_refused_and_removed_and_says_why_again():
    upload = arrive(begin(b"<svg/>", kind=Kind.IMAGE), b"<svg/>")
    for _ in range(2):
        with pytest.raises(Refused, match="not an image we can show"):
            lifecycle.complete(upload, storage=storage)
        upload.refresh_from_db()
    assert state(upload) == State.GONE
    assert is_empty(upload)


def test_completing_twice_gives_the_upload_as_it_is():
    upload = arrive(begin())
    first = lifecycle.complete(upload, storage=storage)
    again = lifecycle.complete(upload, storage=storage)
    assert (again.state, again.expires_at) == (State.READY, first.expires_at)


def test_completing_at_once_from_many_sides_makes_it_ready_once():
    upload = arrive(begin())

    def attempt(_):
        try:
            return lifecycle.complete(Upload.objects.get(pk=upload.pk), storage=storage)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, range(8)))
    assert {result.state for result in results} == {State.READY}
    assert len({result.expires_at for result in results}) == 1


def test_a_complete_that_was_cut_off_after_storage_can_be_repeated():
    upload = arrive(begin())
    storage.complete_transfer(upload.key, upload.transfer_id, storage.parts(upload.key, upload.transfer_id).values())
    assert lifecycle.complete(upload, storage=storage).state == State.READY


def test_a_transfer_that_storage_ended_is_refused():
    upload = arrive(begin())
    storage.abort_transfers(upload.key)
    with pytest.raises(Refused, match="Begin again"):
        lifecycle.complete(upload, storage=storage)
    assert state(upload) == State.GONE


def test_nothing_becomes_ready_after_its_deadline():
    upload = expire(arrive(begin()))
    with pytest.raises(Gone):
        lifecycle.complete(upload, storage=storage)
    lifecycle.sweep(storage=storage)
    assert is_empty(upload)


def test_an_upload_cleared_while_it_completes_does_not_come_back():
    upload = arrive(begin())

    def first_bytes(key, count):
        first = storage.first_bytes(key, count)
        lifecycle.clear(box=upload.box, storage=storage)
        return first

    with pytest.raises(Gone):
        lifecycle.complete(upload, storage=Wrapped(first_bytes=first_bytes))
    assert state(upload) == State.GONE
    assert is_empty(upload)


# the newest images


def test_only_the_newest_images_stay():
    box = new_id()
    images = [ready(PNG, kind=Kind.IMAGE, box=box) for _ in range(5)]
    assert [image.pk for image in Upload.objects.of(box).live()] == [image.pk for image in reversed(images[2:])]
    assert all(is_empty(image) for image in images[:2])
    assert all(storage.length(image.key) for image in images[2:])


def test_no_limit_keeps_all_images(limits):
    limits(images_kept=0)
    box = new_id()
    for _ in range(5):
        ready(PNG, kind=Kind.IMAGE, box=box)
    assert Upload.objects.of(box).live().count() == 5


def test_files_and_other_boxes_do_not_push_images_out():
    box = new_id()
    image = ready(PNG, kind=Kind.IMAGE, box=box)
    for _ in range(4):
        ready(box=box)
        ready(PNG, kind=Kind.IMAGE)
    assert state(image) == State.READY


def test_exactly_the_newest_stay_however_many_complete_at_once():
    """Case 28."""
    box = new_id()
    pending = [arrive(begin(PNG, kind=Kind.IMAGE, box=box), PNG) for _ in range(12)]
    most = []

    def attempt(upload):
        try:
            lifecycle.complete(upload, storage=storage)
            most.append(Upload.objects.of(box).live().count())
        except Gone:  # completed, and pushed out by newer ones before it could be looked at again
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(attempt, pending))
    assert max(most) == 3
    newest = Upload.objects.of(box).order_by("-completed_at", "-pk").values_list("pk", flat=True)
    assert list(Upload.objects.of(box).live().values_list("pk", flat=True)) == list(newest[:3])
    lifecycle.sweep(storage=storage)
    kept = set(Upload.objects.live().values_list("pk", flat=True))
    assert {upload.pk for upload in pending if storage.length(upload.key)} == kept


# removal


def test_a_removed_upload_is_gone_from_storage_and_keeps_no_name_and_no_address():
    upload = ready(title="mine", address="here")
    assert lifecycle.remove(upload, storage=storage)
    row = Upload.objects.get()
    assert (row.state, row.name, row.title, row.address) == (State.GONE, "", "", "")
    assert row.removed_at is not None
    assert is_empty(upload)


def test_removing_again_does_nothing():
    upload = ready()
    assert lifecycle.remove(upload, storage=storage)
    removed_at = Upload.objects.get().removed_at
    assert not lifecycle.remove(upload, storage=storage)
    assert Upload.objects.get().removed_at == removed_at


def test_clearing_takes_everything_of_one_kind_and_nothing_else():
    box = new_id()
    file, image = ready(box=box), ready(PNG, kind=Kind.IMAGE, box=box)
    pending, other = arrive(begin(box=box)), ready()
    assert lifecycle.clear(box=box, kind=Kind.FILE, storage=storage) == 2
    assert is_empty(file)
    assert is_empty(pending)
    assert state(image) == state(other) == State.READY
    assert lifecycle.clear(box=box, storage=storage) == 1
    assert is_empty(image)


def test_a_part_url_from_before_the_removal_writes_nothing():
    upload = arrive(begin())
    lifecycle.remove(upload, storage=storage)
    with pytest.raises(TransferNotFound):
        storage.write_part(upload.key, upload.transfer_id, 1, b"hello")
    with pytest.raises(Gone):
        lifecycle.sign_parts(upload, [1], storage=storage)
    assert is_empty(upload)


def test_what_storage_does_not_remove_stays_out_of_sight_until_a_sweep_succeeds():
    upload = ready()
    lifecycle.remove(upload, storage=Wrapped(remove=lambda keys: dict.fromkeys(keys, "InternalError")))
    assert state(upload) == State.REMOVING
    assert not Upload.objects.live().exists()
    lifecycle.sweep(storage=storage)
    assert state(upload) == State.GONE
    assert is_empty(upload)


def test_storage_that_is_down_does_not_keep_a_visitor_from_clearing():
    upload = ready()

    def remove(keys):
        raise StorageError("time-out")

    assert lifecycle.clear(box=upload.box, storage=Wrapped(remove=remove)) == 1
    assert state(upload) == State.REMOVING
    assert lifecycle.sweep(storage=storage).removed == 1


def test_a_transfer_is_aborted_before_the_object_is_removed():
    upload, steps = arrive(begin()), []

    def abort(key):
        steps.append("abort")
        storage.abort_transfers(key)

    def remove(keys):
        steps.append("remove")
        return storage.remove(keys)

    lifecycle.remove(upload, storage=Wrapped(abort_transfers=abort, remove=remove))
    assert steps == ["abort", "remove"]


def test_removing_is_committed_before_storage_is_asked():
    upload = ready()
    seen = []

    def remove(keys):
        # A crash here rolls this transaction back; what another connection sees is what would remain.
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


# the sweep


def test_the_sweep_removes_what_is_due_and_nothing_else():
    due, abandoned, live = ready(), arrive(begin()), ready()
    expire(due)
    expire(abandoned)
    assert lifecycle.sweep(storage=storage).removed == 2
    assert is_empty(due)
    assert is_empty(abandoned)
    assert state(live) == State.READY
    assert storage.length(live.key) == 5


def test_the_sweep_goes_on_beyond_one_batch_and_past_what_fails():
    """Cases 43, 53: an error for some keys."""
    uploads = [expire(ready()) for _ in range(7)]
    stuck = uploads[3].key

    def remove(keys):
        errors = storage.remove([key for key in keys if key != stuck])
        return errors | ({stuck: "InternalError"} if stuck in keys else {})

    assert lifecycle.sweep(storage=Wrapped(remove=remove), batch=2).removed == 6
    assert Upload.objects.removing().get().key == stuck
    assert lifecycle.sweep(storage=storage).removed == 1


def test_a_transfer_that_cannot_be_aborted_holds_up_only_itself():
    due, abandoned = expire(ready()), expire(begin())

    def abort(key):
        raise StorageError("time-out")

    assert lifecycle.sweep(storage=Wrapped(abort_transfers=abort)).removed == 1
    assert (state(due), state(abandoned)) == (State.GONE, State.REMOVING)
    assert lifecycle.sweep(storage=storage).removed == 1


def test_transfers_that_storage_hangs_at_hold_no_upload_up_and_get_their_turn_one_after_the_other(monkeypatch):
    due = expire(ready())
    abandoned = [expire(begin()) for _ in range(4)]
    clock, asked = [0.0], []

    def hang(key):
        assert state(due) == State.GONE
        asked.append(key)
        clock[0] += 10  # the longest that storage keeps anybody waiting
        raise StorageError("time-out")

    monkeypatch.setattr(sys.modules["mayfly.uploads.lifecycle.remove"], "monotonic", lambda: clock[0])
    for number in range(1, 40):
        lifecycle.sweep(storage=Wrapped(abort_transfers=hang))
        assert len(asked) == number
    assert set(asked) == {upload.key for upload in abandoned}
    assert lifecycle.sweep(storage=storage).removed == len(abandoned)


def test_sweeps_at_once_share_the_work_and_remove_each_upload_once():
    """Case 47: a long sweep and the next one."""
    uploads = [expire(ready()) for _ in range(12)]

    def attempt(_):
        try:
            return lifecycle.sweep(storage=storage, batch=3).removed
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        removed = list(pool.map(attempt, range(3)))
    assert sum(removed) + lifecycle.sweep(storage=storage).removed == len(uploads)
    assert all(is_empty(upload) for upload in uploads)


def test_receipts_are_purged_when_they_are_old(limits):
    limits(receipt_time=timedelta(hours=1))
    old, new = ready(), ready()
    lifecycle.remove(old, storage=storage)
    lifecycle.remove(new, storage=storage)
    Upload.objects.filter(pk=old.pk).update(removed_at=Now() - timedelta(hours=1, seconds=1))
    lifecycle.sweep(storage=storage)
    assert list(Upload.objects.values_list("pk", flat=True)) == [new.pk]


# signing


def test_a_download_url_never_outlives_its_upload():
    lifetimes = []

    def sign_download(key, *, lifetime, **more):
        lifetimes.append(lifetime)
        return storage.sign_download(key, lifetime=lifetime, **more)

    wrapped = Wrapped(sign_download=sign_download)
    opening.download_url(ready(lifetime=timedelta(minutes=15)).pk, storage=wrapped)
    opening.download_url(ready(lifetime=timedelta(seconds=20)).pk, storage=wrapped)
    assert lifetimes[0] == timedelta(seconds=60)
    assert timedelta(seconds=15) < lifetimes[1] <= timedelta(seconds=20)


def test_an_expired_upload_has_no_download_url_even_before_the_sweep():
    upload = expire(ready())
    assert state(upload) == State.READY
    with pytest.raises(Gone):
        opening.download_url(upload.pk, storage=storage)


def test_a_part_url_never_outlives_the_transfer():
    lifetimes = []

    def sign_part(*args, lifetime):
        lifetimes.append(lifetime)
        return storage.sign_part(*args, lifetime=lifetime)

    upload = begin()
    Upload.objects.update(expires_at=Now() + timedelta(seconds=20))
    lifecycle.sign_parts(upload, [1], storage=Wrapped(sign_part=sign_part))
    assert timedelta(seconds=15) < lifetimes[0] <= timedelta(seconds=20)


# streams


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
    assert state(upload) == State.GONE
    assert is_empty(upload)


def test_a_stream_shorter_than_declared_is_refused_where_the_size_was_exact():
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


def test_a_stream_whose_upload_was_cleared_meanwhile_ends_as_gone():
    upload = begin(b"12345")
    receiver = Receiver(upload, storage=storage)
    receiver.write(b"12345")
    lifecycle.clear(box=upload.box, storage=storage)
    with pytest.raises(Gone):
        receiver.finish(whole=True)
    assert is_empty(upload)


def test_no_change_of_state_runs_inside_somebody_elses_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError):
        begin()
