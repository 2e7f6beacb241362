"""On the way out, while something is broken: storage, broker, beat, database, clock, disk."""

import random
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from botocore.stub import Stubber
from celery.app.task import Task
from celery.beat import Scheduler
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from mayfly.celery import app
from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import StorageError
from mayfly.storage.s3.storage import S3UploadStorage
from mayfly.uploads import lifecycle, tasks
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import STANDING, Kind, State
from mayfly.uploads.errors import Gone, PartsMissing, Refused
from mayfly.uploads.ids import new_id
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Heartbeat, Upload
from mayfly.uploads.reconcile import Braked

from ..conftest import PNG, body_of, expire, fetch, storage_class
from ..storages import MINUTE
from ..uploads.test_lifecycle import Wrapped, arrive, begin, is_empty, ready, state

pytest_plugins = [f"{__package__.rpartition('.')[0]}.storages"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_an_image_whose_time_is_over_pushes_no_other_out(limits):
    """Case 28: of those that people can see the newest stay, whether the sweep has been there or not."""
    limits(images_kept=2)
    box = new_id()
    first = ready(PNG, kind=Kind.IMAGE, box=box)
    expire(ready(PNG, kind=Kind.IMAGE, box=box))
    last = ready(PNG, kind=Kind.IMAGE, box=box)
    assert [image.pk for image in Upload.objects.of(box).live()] == [last.pk, first.pk]


def down(*arguments, **more):
    raise StorageError("time-out")


FAILURES = {
    "the removal": {"remove": down},
    "each key of it": {"remove": lambda keys: dict.fromkeys(keys, "InternalError: try again")},
    "one key of it": {"remove": lambda keys: storage.remove(keys[1:]) | {keys[0]: "AccessDenied"}},
    "the abort": {"abort_transfers": down},
    "the question whether it worked": {"absent": down},
    "everything": {"remove": down, "abort_transfers": down, "absent": down, "length": down, "parts": down},
}


@pytest.mark.parametrize("fails", FAILURES)
def test_a_row_outlives_every_failure_to_remove_its_bytes(fails):
    """Case 43: it is out of sight at once, is never dropped while bytes may be there, and the next sweep finishes."""
    broken = Wrapped(**FAILURES[fails])
    box = new_id()
    uploads = [ready(box=box), arrive(begin(box=box)), expire(ready(box=box)), expire(arrive(begin(box=box)))]
    assert lifecycle.clear(box=box, storage=broken) == 4
    for _ in range(2):
        try:
            lifecycle.sweep(storage=broken)
        except StorageError:
            assert fails in ("the removal", "the question whether it worked", "everything")
        assert not Upload.objects.of(box).live().exists()
        assert Upload.objects.count() == 4
        for upload in uploads:
            assert state(upload) == State.REMOVING or (state(upload) == State.GONE and is_empty(upload))
    lifecycle.sweep(storage=storage)
    assert {state(upload) for upload in uploads} == {State.GONE}
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


def test_a_beat_that_starts_sends_the_sweep_within_five_seconds():
    """Case 46: it keeps nothing between two starts, so restarting it every few minutes puts no sweep off."""
    assert app.conf.beat_scheduler == "celery.beat:Scheduler"
    scheduler = Scheduler(app, lazy=True)
    scheduler.setup_schedule()
    due, seconds = scheduler.schedule["sweep"].is_due()
    assert due or seconds <= 5


def test_a_beat_that_never_runs_for_long_still_has_table_and_storage_compared(monkeypatch):
    """Case 46: beat asks every minute, and what is asked too often is not done."""
    assert app.conf.beat_schedule["reconcile"]["schedule"] <= 60
    compared = []
    monkeypatch.setattr(comparison, "_put_right", lambda *arguments: compared.append(arguments))
    for age, count in ((None, 1), (0, 1), (890, 1), (910, 2)):
        if age is not None:
            Heartbeat.objects.filter(name="reconcile").update(at=Now() - timedelta(seconds=age))
        tasks.reconcile()
        assert len(compared) == count


def test_what_two_beats_send_is_done_once():
    """Case 46: and what waited while there was none."""
    uploads = [expire(ready()) for _ in range(3)]
    tasks.sweep(from_beat=True)
    removed = list(Upload.objects.order_by("pk").values_list("removed_at", flat=True))
    for _ in range(3):
        tasks.sweep(from_beat=True)
    assert list(Upload.objects.order_by("pk").values_list("removed_at", flat=True)) == removed
    assert all(is_empty(upload) for upload in uploads)


def test_a_sweep_that_loses_the_database_at_any_query_is_finished_by_the_next():
    """Case 47."""
    for number in range(1, 50):
        Upload.objects.all()._raw_delete(Upload.objects.db)
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
        for upload in (over, unsent):  # nothing is called gone that is not
            assert state(upload) != State.GONE or is_empty(upload)
        lifecycle.sweep(storage=storage)
        assert [state(upload) for upload in (over, unsent, kept)] == [State.GONE, State.GONE, State.READY]
        assert is_empty(over)
        assert is_empty(unsent)
        assert storage.length(kept.key) == 5
    raise AssertionError("the sweep never came to its end")


def rows(count: int) -> list[Upload]:
    """Live uploads in the table alone; storage has never heard of them."""
    now = timezone.now()
    later, life = now + timedelta(minutes=15), timedelta(minutes=15)
    more = {"box": new_id(), "kind": "file", "state": State.READY, "size": 5, "part_size": 8, "lifetime": life}
    return Upload.objects.bulk_create(
        Upload(name="a.txt", completed_at=now, expires_at=later, **more) for _ in range(count)
    )


def test_another_bucket_by_mistake_costs_no_row(tmp_path):
    """Case 48: it answers well, and has not one of our uploads, be they few or many."""
    other = FolderUploadStorage(tmp_path / "other")
    other.prepare()
    for count in (1, limits.reconcile_most):
        rows(count)
        with pytest.raises(Braked, match=f"{Upload.objects.count()} of {Upload.objects.count()}: rows"):
            comparison.reconcile(storage=other)
    assert not Upload.objects.exclude(state=State.READY).exists()


def blind() -> Wrapped:
    """Storage, seen through a bug of ours: it has nothing of what is asked for."""
    return Wrapped(objects=lambda prefix: iter(()), absent=set)


def old() -> Wrapped:
    """Storage, in which all has been lying for days."""
    since = timezone.now() - timedelta(days=3)

    def listing(method):
        return lambda prefix: (replace(found, since=since) for found in getattr(storage, method)(prefix))

    return Wrapped(objects=listing("objects"), transfers=listing("transfers"))


def forgotten(of: list[Upload]) -> None:
    Upload.objects.filter(pk__in=[upload.pk for upload in of])._raw_delete(Upload.objects.db)


@pytest.mark.parametrize("most", ["rows", "objects", "transfers"])
def test_a_bug_that_would_remove_everything_removes_nothing(most):
    """Case 49: what is found amiss on one side stops the removal on every side."""
    for found in [*storage.objects("uploads/"), *storage.transfers("uploads/")]:
        storage.abort_transfers(found.key)
        storage.remove([found.key])
    count = limits.reconcile_most + 2
    whole, begun = [ready() for _ in range(count)], [arrive(begin()) for _ in range(count)]
    storage.remove([whole[0].key])  # this one is amiss indeed
    forgotten(whole if most == "objects" else begun if most == "transfers" else [])
    with pytest.raises(Braked, match=most):
        comparison.reconcile(storage=blind() if most == "rows" else old())
    assert len(list(storage.objects("uploads/"))) == count - 1
    assert len(list(storage.transfers("uploads/"))) == count
    assert not Upload.objects.exclude(state__in=STANDING).exists()


def test_a_folder_that_is_not_mounted_costs_no_row(tmp_path):
    """Case 48."""
    rows(3)
    with pytest.raises(StorageError):
        comparison.reconcile(storage=FolderUploadStorage(tmp_path / "nowhere"))
    assert not Upload.objects.exclude(state=State.READY).exists()


def test_a_bucket_that_does_not_exist_costs_no_row(s3_options):
    """Case 48."""
    rows(3)
    with pytest.raises(StorageError):
        comparison.reconcile(storage=S3UploadStorage(**s3_options | {"bucket_name": "mayfly-no-such-bucket"}))
    assert not Upload.objects.exclude(state=State.READY).exists()


def test_a_sweep_touches_no_transfer_that_is_in_time():
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


@pytest.mark.parametrize("step", ["parts", "complete_transfer", "first_bytes"])
def test_a_sweep_in_the_middle_of_a_completion_that_is_too_late_leaves_nothing(step):
    """Case 50."""
    upload = arrive(begin())

    def meanwhile(*arguments):
        expire(upload)
        lifecycle.sweep(storage=storage)
        return getattr(storage, step)(*arguments)

    with pytest.raises((Gone, Refused, StorageError)):
        lifecycle.complete(upload, storage=Wrapped(**{step: meanwhile}))
    lifecycle.sweep(storage=storage)
    assert state(upload) == State.GONE
    assert is_empty(upload)


@pytest.mark.parametrize("off", [timedelta(days=-1), timedelta(days=1)], ids=["behind", "ahead"])
def test_a_host_whose_clock_is_wrong_ends_nothing_early_and_serves_nothing_late(owner, monkeypatch, off):
    """Case 51: the database's clock is the one that counts."""
    real, now = time.time, timezone.now
    monkeypatch.setattr(time, "time", lambda: real() + off.total_seconds())
    monkeypatch.setattr(timezone, "now", lambda: now() + off)
    upload = owner.upload(lifetime=60)
    lifecycle.sweep(storage=storage)
    comparison.reconcile(storage=storage)
    assert [one["id"] for one in owner.get("/api/uploads").json()["uploads"]] == [upload["id"]]
    assert body_of(fetch(Client().get(f"/u/{upload['id']}/download")["Location"])) == b"hello"
    expire(upload)
    assert owner.get("/api/uploads").json() == {"uploads": []}
    assert Client().get(f"/u/{upload['id']}/download").status_code == 410
    lifecycle.sweep(storage=storage)
    assert Upload.objects.get().state == State.GONE
    lifecycle.sweep(storage=storage)
    assert Upload.objects.exists()  # its receipt is not old yet


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Adak"])
def test_a_time_zone_changes_neither_when_an_upload_ends_nor_what_is_told_of_it(owner, settings, zone):
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


def test_every_page_of_a_listing_is_read(s3_options):
    """Case 53: S3 gives a thousand entries at a time, and says where it goes on."""
    s3 = S3UploadStorage(**s3_options)
    keys = [f"uploads/{number:022}" for number in range(2001)]
    since, place = timezone.now(), {"Bucket": s3.bucket_name, "Prefix": "uploads/"}
    objects = [{"Key": key, "LastModified": since} for key in keys]
    transfers = [{"Key": key, "UploadId": "1", "Initiated": since} for key in keys]
    with Stubber(s3.client) as answers:
        for call, name, found, after, last in (
            ("list_objects_v2", "Contents", objects, ["ContinuationToken"], ["NextContinuationToken"]),
            (
                "list_multipart_uploads",
                "Uploads",
                transfers,
                ["KeyMarker", "UploadIdMarker"],
                ["NextKeyMarker", "NextUploadIdMarker"],
            ),
        ):
            answers.add_response(call, {name: found[:1000], "IsTruncated": True} | dict.fromkeys(last, "1"), place)
            middle = {name: found[1000:2000], "IsTruncated": True} | dict.fromkeys(last, "2")
            answers.add_response(call, middle, place | dict.fromkeys(after, "1"))
            end = {name: found[2000:], "IsTruncated": False}
            answers.add_response(call, end, place | dict.fromkeys(after, "2"))
        assert [found.key for found in s3.objects("uploads/")] == keys
        assert [found.key for found in s3.transfers("uploads/")] == keys
        answers.assert_no_pending_responses()


def test_a_full_disk_refuses_a_part_in_words_and_the_transfer_goes_on_later(local, world, monkeypatch):
    """Case 54."""
    content = random.randbytes(1000)
    transfer_id = local.open_transfer("uploads/full", content_type=OCTETS)
    signed = local.sign_part("uploads/full", transfer_id, 1, len(content), lifetime=MINUTE)

    def full(*arguments, **more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("mayfly.storage.folder.storage.open", full, raising=False)
        answer = world.put(signed.url, content)
    assert answer.status == 503
    assert b"Try again" in answer.body
    assert b"space" not in answer.body
    assert world.put(signed.url, content).status == 200
    local.complete_transfer("uploads/full", transfer_id, local.parts("uploads/full", transfer_id).values())
    assert local.first_bytes("uploads/full", 9999) == content


def test_what_passes_through_the_app_needs_no_disk_of_it(owner, settings):
    """Case 54: a form or `curl -T` of any length is put aside nowhere."""
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    content = random.randbytes(3 * settings.FILE_UPLOAD_MAX_MEMORY_SIZE)
    files = [SimpleUploadedFile(name, content) for name in ("a.txt", "b.txt")]
    assert owner.browser.post("/files/", {"file": files}).status_code == 303
    assert Client().put("/c.txt", content).status_code == 201
    assert [upload.size for upload in Upload.objects.live()] == [len(content)] * 3


def test_storage_that_takes_nothing_more_is_told_to_each_visitor_and_leaves_nothing_pending(owner, monkeypatch):
    """Case 54: by form, curl and API, when a part cannot be written."""
    with monkeypatch.context() as broken:
        broken.setattr(storage_class(), "write_part", down)
        form = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
        assert (form.status_code, b"Storage does not answer" in form.content) == (422, True)
        curl = Client().put("/a.txt", b"hello")
        assert (curl.status_code, b"Storage does not answer" in curl.content) == (503, True)
        broken.setattr(storage_class(), "open_transfer", down)
        api = owner.post("/api/uploads", {"kind": "file", "name": "a.txt", "size": 5})
        assert (api.status_code, api["Retry-After"]) == (503, "60")
    assert set(Upload.objects.values_list("state", flat=True)) == {State.GONE}
    assert owner.upload()["state"] == "ready"


def test_a_storage_that_forgot_everything_is_noticed_by_the_first_to_ask(owner):
    """Case 55: who follows a link is told that it is gone, and is not led to an error of the bucket."""
    uploads = [owner.upload() for _ in range(3)]
    storage.remove([f"uploads/{upload['id']}" for upload in uploads])
    for upload in uploads:
        assert Client().get(f"/u/{upload['id']}/download").status_code == 410
        assert Client().get(f"/u/{upload['id']}/").status_code == 410
    assert owner.get("/api/uploads").json() == {"uploads": []}
    assert owner.upload()["state"] == "ready"


def test_rows_whose_objects_all_vanished_go_at_their_time(owner):
    """Case 55: reconcile brakes where that many are lost at once; the sweep needs no object to remove a row."""
    lost = rows(limits.reconcile_most + 1)
    with pytest.raises(Braked):
        comparison.reconcile(storage=storage)
    Upload.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert lifecycle.sweep(storage=storage).removed == len(lost)
    assert set(Upload.objects.values_list("state", flat=True)) == {State.GONE}
