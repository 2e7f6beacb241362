"""The sweep removes every upload that is due, and continues after those that fail."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.db.models.functions import Now

from mayfly.storage import many
from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from ...support.broken import Wrapped, down
from ...support.making import arrive, begin, expire, is_empty, ready, state

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_sweep_removes_only_due_uploads():
    due, abandoned, live = ready(), arrive(begin()), ready()
    expire(due)
    expire(abandoned)
    assert lifecycle.sweep(storage=storage).removed == 2
    assert is_empty(due)
    assert is_empty(abandoned)
    assert state(live) == State.READY
    assert storage.length(live.key) == 5


def test_the_sweep_continues_after_a_batch_and_after_a_failure():
    """Cases 43, 53: an error for some keys."""
    uploads = [expire(ready()) for _ in range(7)]
    stuck = uploads[3].key

    def remove(keys):
        errors = storage.remove([key for key in keys if key != stuck])
        return errors | ({stuck: "InternalError"} if stuck in keys else {})

    assert lifecycle.sweep(storage=Wrapped(remove=remove), share=2).removed == 6
    assert Upload.objects.removing().get().key == stuck
    assert lifecycle.sweep(storage=storage).removed == 1


def test_a_failed_abort_delays_no_other_removal():
    due, abandoned = expire(ready()), expire(begin())

    def close(keys, *, seconds):
        return dict.fromkeys(keys, "time-out")

    assert lifecycle.sweep(storage=Wrapped(close_transfers=close)).removed == 1
    assert (state(due), state(abandoned)) == (State.GONE, State.REMOVING)
    assert lifecycle.sweep(storage=storage).removed == 1
    assert state(abandoned) is None


def test_hanging_aborts_delay_no_removal_and_are_retried_in_turn(monkeypatch):
    """Storage's clock moves by the longest wait with each abort, so that a share has time for one alone."""
    due = expire(ready())
    abandoned = [expire(begin()) for _ in range(4)]
    clock, asked = [0.0], []

    def hang(key):
        assert state(due) == State.GONE
        asked.append(key)
        clock[0] += 10
        raise StorageError("time-out")

    monkeypatch.setattr(many, "monotonic", lambda: clock[0])
    hanging = Wrapped(close_transfers=lambda keys, *, seconds: many.one_by_one(hang, keys, seconds=seconds))
    for _ in abandoned:
        asked_before = len(asked)
        lifecycle.sweep(storage=hanging)
        asked_now = asked[asked_before:]
        assert asked_now
        assert len(set(asked_now)) == len(asked_now)  # each at most once in a sweep
    assert set(asked) == {upload.key for upload in abandoned}
    assert lifecycle.sweep(storage=storage).removed == len(abandoned)


def test_parallel_sweeps_remove_each_upload_once():
    """Case 47: a long sweep and the next one."""
    uploads = [expire(ready()) for _ in range(12)]

    def attempt(_):
        try:
            return lifecycle.sweep(storage=storage, share=3).removed
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        removed = list(pool.map(attempt, range(3)))
    assert sum(removed) + lifecycle.sweep(storage=storage).removed == len(uploads)
    assert all(is_empty(upload) for upload in uploads)


def test_the_sweep_purges_old_receipts(limits):
    limits(receipt_time=timedelta(hours=1))
    old, new = ready(), ready()
    lifecycle.remove(old, storage=storage)
    lifecycle.remove(new, storage=storage)
    Upload.objects.filter(pk=old.pk).update(removed_at=Now() - timedelta(hours=1, seconds=1))
    lifecycle.sweep(storage=storage)
    assert list(Upload.objects.values_list("pk", flat=True)) == [new.pk]


def test_the_sweep_says_how_many_it_removed_and_how_late():
    assert str(lifecycle.sweep(storage=storage)) == "nothing was due"
    for seconds in (1, 5):
        Upload.objects.filter(pk=ready().pk).update(expires_at=Now() - timedelta(seconds=seconds))
    swept = lifecycle.sweep(storage=storage)
    assert timedelta(seconds=5) <= swept.latest < timedelta(seconds=15)
    assert str(swept) == f"2 removed, the latest {swept.latest.total_seconds():.1f} s after its time"


def test_a_removal_before_its_time_does_not_count_as_late():
    upload = ready()
    lifecycle.remove(upload, storage=Wrapped(remove=down))
    swept = lifecycle.sweep(storage=storage)
    assert (swept.removed, swept.latest) == (1, timedelta(0))
