"""Removal while something fails: storage, broker, beat, database, clock."""

import time
from datetime import datetime, timedelta

import pytest
from celery.app.task import Task
from celery.beat import Scheduler
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from mayfly.celery import app
from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle, tasks
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import Kind, Phase, State
from mayfly.uploads.errors import Gone, PartsMissing, Refused
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.uploads.periodic import Round

from ...support.broken import Wrapped, down
from ...support.making import arrive, begin, expire, forget, is_empty, ready, state
from ...support.people import body_of, fetch
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_expired_image_pushes_no_other_out(limits):
    """Case 28: of those that people can see the newest stay, whether the sweep has been there or not."""
    limits(images_kept=2)
    box = new_id()
    first = ready(PNG, kind=Kind.IMAGE, box=box)
    expire(ready(PNG, kind=Kind.IMAGE, box=box))
    last = ready(PNG, kind=Kind.IMAGE, box=box)
    assert [image.pk for image in Upload.objects.of(box).live()] == [last.pk, first.pk]


def broken(keys, *, seconds):
    """In place of a method that answers for each key: storage answers for none."""
    return dict.fromkeys(keys, "time-out")


FAILURES = {
    "the removal": {"remove": down},
    "each key of it": {"remove": lambda keys: dict.fromkeys(keys, "InternalError: try again")},
    "one key of it": {"remove": lambda keys: storage.remove(keys[1:]) | {keys[0]: "AccessDenied"}},
    "each abort": {"close_transfers": broken},
    "each question whether it worked": {"unproven": broken},
    "everything": {"remove": down, "close_transfers": broken, "unproven": broken, "length": down, "parts": down},
}


@pytest.mark.parametrize("fails", FAILURES)
def test_a_row_outlives_every_failure_to_remove_its_bytes(fails):
    """Case 43: it is out of sight at once, is never dropped while bytes may be there, and the next sweep finishes."""
    ill = Wrapped(**FAILURES[fails])
    box = new_id()
    uploads = [ready(box=box), arrive(begin(box=box)), expire(ready(box=box)), expire(arrive(begin(box=box)))]
    assert lifecycle.clear(box=box, storage=ill).removed == 4
    for _ in range(2):
        try:
            lifecycle.sweep(storage=ill)
        except StorageError:
            assert fails in ("the removal", "everything")
        assert not Upload.objects.of(box).live().exists()
        for upload in uploads:
            assert state(upload) == State.REMOVING or (state(upload) in (State.GONE, None) and is_empty(upload))
    lifecycle.sweep(storage=storage)
    assert {upload.pk: state(upload) for upload in uploads} == {
        upload.pk: State.GONE if upload.completed_at else None for upload in uploads
    }
    assert all(is_empty(upload) for upload in uploads)


def test_no_upload_waits_for_a_message(owner, monkeypatch):
    """Case 45: the whole of a life with no broker; what removes it is a sweep, whoever calls it."""

    def gone(*arguments, **more):
        raise OSError("no broker")

    monkeypatch.setattr(Task, "apply_async", gone)
    monkeypatch.setattr(app, "send_task", gone)
    monkeypatch.setattr(app.amqp, "send_task_message", gone)
    images = [owner.upload(PNG, kind="image") for _ in range(4)]
    owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
    assert Client().put("/b.txt", b"hello").status_code == 201
    assert Upload.objects.get(pk=images[0]["id"]).state == State.GONE
    assert owner.delete("/api/uploads").status_code == 204
    Upload.objects.update(expires_at=Now() - timedelta(seconds=1))
    lifecycle.sweep(storage=storage)
    assert set(Upload.objects.values_list("state", flat=True)) == {State.GONE}


def test_a_starting_beat_sends_a_sweep_within_five_seconds():
    """Case 46: beat remembers nothing between two starts, so a restart every few minutes delays no sweep."""
    assert app.conf.beat_scheduler == "celery.beat:Scheduler"
    scheduler = Scheduler(app, lazy=True)
    scheduler.setup_schedule()
    due, seconds = scheduler.schedule["sweep"].is_due()
    assert due or seconds <= 5


def test_an_often_restarted_beat_still_triggers_reconcile():
    """Case 46: beat asks for reconcile every half minute, and most of these requests do nothing."""
    assert app.conf.beat_schedule["reconcile"]["schedule"] <= 60
    tasks.reconcile()
    for age, begins in ((0, False), (890, False), (910, True)):
        Round.objects.update(began_at=Now() - timedelta(seconds=age), step=0)
        tasks.reconcile()
        assert bool(Round.objects.get().step) == begins
        assert Round.objects.get().phase == Phase.ENDED


def test_two_beats_cause_one_removal():
    """Case 46: late messages cause no second removal either."""
    uploads = [expire(ready()) for _ in range(3)]
    tasks.sweep(from_beat=True)
    removed = list(Upload.objects.order_by("pk").values_list("removed_at", flat=True))
    for _ in range(3):
        tasks.sweep(from_beat=True)
    assert list(Upload.objects.order_by("pk").values_list("removed_at", flat=True)) == removed
    assert all(is_empty(upload) for upload in uploads)


def test_a_sweep_that_loses_the_database_is_finished_by_the_next():
    """Case 47."""
    for number in range(1, 50):
        forget(Upload.objects.all())
        over, unsent, kept = expire(ready()), expire(arrive(begin())), ready()
        asked = 0

        def query(execute, *arguments, number=number):
            nonlocal asked
            asked += 1
            if asked == number:
                raise OperationalError("server closed the connection unexpectedly")
            return execute(*arguments)

        with connection.execute_wrapper(query):
            try:
                lifecycle.sweep(storage=storage)
            except OperationalError:
                pass
            else:
                assert number > 4, "no query was tried"
                return
        for upload in (over, unsent):  # no row is gone while its bytes are there
            assert state(upload) not in (State.GONE, None) or is_empty(upload)
        lifecycle.sweep(storage=storage)
        assert [state(upload) for upload in (over, unsent, kept)] == [State.GONE, None, State.READY]
        assert is_empty(over)
        assert is_empty(unsent)
        assert storage.length(kept.key) == 5
    raise AssertionError("the sweep never came to its end")


def test_a_sweep_aborts_no_transfer_before_its_deadline():
    """Case 50: between any two steps of it."""
    upload = begin(b"hello")
    lifecycle.sweep(storage=storage)
    lifecycle.sign_parts(upload, [1], storage=storage)
    lifecycle.sweep(storage=storage)
    with pytest.raises(PartsMissing):
        lifecycle.complete(upload, storage=storage)
    lifecycle.sweep(storage=storage)
    arrive(upload)
    lifecycle.sweep(storage=storage)
    assert lifecycle.complete(upload, storage=storage).state == State.READY
    lifecycle.sweep(storage=storage)
    assert storage.first_bytes(upload.key, 9) == b"hello"


@pytest.mark.parametrize("step", ["parts", "complete_transfer", "beginning"])
def test_a_sweep_during_a_late_completion_leaves_nothing(step):
    """Case 50."""
    upload = arrive(begin())

    def meanwhile(*arguments):
        expire(upload)
        lifecycle.sweep(storage=storage)
        return getattr(storage, step)(*arguments)

    with pytest.raises((Gone, Refused, StorageError)):
        lifecycle.complete(upload, storage=Wrapped(**{step: meanwhile}))
    lifecycle.sweep(storage=storage)
    assert state(upload) in (State.GONE, None)  # gone, if it was refused
    assert is_empty(upload)


@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(days=1)], ids=["behind", "ahead"])
def test_a_wrong_clock_ends_nothing_early_and_serves_nothing_late(owner, monkeypatch, off):
    """Case 51: only the database's clock counts."""
    real, now = time.time, timezone.now
    monkeypatch.setattr(time, "time", lambda: real() + off.total_seconds())
    monkeypatch.setattr(timezone, "now", lambda: now() + off)
    upload = owner.upload(lifetime=60)
    lifecycle.sweep(storage=storage)
    comparison.reconcile(storage=storage)
    assert [one["id"] for one in owner.get("/api/uploads").json()["uploads"]] == [upload["id"]]
    assert body_of(fetch(Client().get(f"/u/{upload['id']}/download")["Location"])) == b"hello"
    expire(upload)
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}
    assert Client().get(f"/u/{upload['id']}/download").status_code == 410
    lifecycle.sweep(storage=storage)
    assert Upload.objects.get().state == State.GONE
    lifecycle.sweep(storage=storage)
    assert Upload.objects.exists()  # its receipt is still young


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Adak"])
def test_a_time_zone_changes_no_deadline_and_no_answer(owner, settings, zone):
    """Case 51."""
    settings.TIME_ZONE = zone
    upload = owner.upload(lifetime=900)
    left = Upload.objects.with_time_left().get().time_left
    assert timedelta(seconds=890) < left <= timedelta(seconds=900)
    assert upload["expires_at"].endswith("Z")
    told = datetime.fromisoformat(upload["expires_at"]) - datetime.now().astimezone()
    assert abs(told - timedelta(seconds=900)) < timedelta(seconds=20)
    expire(upload)
    assert lifecycle.sweep(storage=storage).removed == 1
