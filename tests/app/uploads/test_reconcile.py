"""Reconcile removes what only the table or only storage has, and nothing by mistake."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.files.storage import default_storage as storage
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle, tasks
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import State
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.uploads.periodic import Heartbeat
from mayfly.uploads.reconcile import Braked, pairs, whole

from ...support.broken import Wrapped, storage_class
from ...support.making import arrive, begin, empty_storage, put_stray, ready, state
from ...support.waiting import a_moment_later

pytestmark = pytest.mark.django_db
LONG_AGO = datetime.now(UTC) - timedelta(days=3)


@pytest.fixture(autouse=True)
def empty():
    """Reconcile looks at all of storage, also at leftovers of other tests."""
    empty_storage()


def aged(**methods):
    """The real storage, in which everything seems to be days old."""

    def listing(method):
        def aged(prefix, *, after=""):
            return (replace(found, since=LONG_AGO) for found in getattr(storage, method)(prefix, after=after))

        return aged

    return Wrapped(**{"objects": listing("objects"), "transfers": listing("transfers")} | methods)


def compared(report: comparison.Report) -> tuple[int, int, int]:
    return (report.round.rows_compared, report.round.objects_compared, report.round.transfers_compared)


def test_reconcile_removes_nothing_if_both_sides_agree():
    upload, pending = ready(), arrive(begin())
    report = comparison.reconcile(storage=aged())
    assert compared(report) == (1, 1, 1)
    assert not report.rows_without_object + report.objects_without_row + report.transfers_without_row
    assert state(upload) == State.READY
    assert lifecycle.complete(pending, storage=storage).state == State.READY


def test_a_row_without_its_object_is_removed():
    upload, other = ready(), ready()
    storage.remove([upload.key])
    assert comparison.reconcile(storage=storage).rows_without_object == [upload.pk]
    assert (state(upload), state(other)) == (State.GONE, State.READY)


def test_a_row_stays_if_storage_has_an_object_that_it_does_not_list():
    upload = ready()
    comparison.reconcile(storage=Wrapped(objects=lambda prefix, **after: iter(())))
    assert state(upload) == State.READY


@pytest.mark.parametrize("method", ["objects", "transfers", "absent"])
def test_nothing_is_removed_if_storage_does_not_answer(method):
    """Case 48."""
    upload = ready()
    storage.remove([upload.key])

    def down(*_, **more):
        raise StorageError("time-out")

    with pytest.raises(StorageError):
        comparison.reconcile(storage=aged(**{method: down}))
    assert state(upload) == State.READY


@pytest.mark.parametrize("prefix", ["uploads/", "previews/"])
def test_an_object_without_a_row_is_removed_once_it_is_old(prefix):
    key = put_stray(f"{prefix}{new_id()}")
    assert comparison.reconcile(storage=storage).objects_without_row == []
    assert storage.length(key) == 5
    assert comparison.reconcile(storage=aged()).objects_without_row == [key]
    assert storage.length(key) is None


def test_an_object_that_reappears_after_removal_is_removed_at_once():
    upload = ready()
    lifecycle.remove(upload, storage=storage)
    a_moment_later()
    put_stray(upload.key)
    assert comparison.reconcile(storage=storage).objects_without_row == [upload.key]
    assert storage.length(upload.key) is None


def test_an_upload_removed_during_the_listing_is_no_difference():
    upload = ready()

    def objects(prefix, **after):
        found = list(storage.objects(prefix, **after))
        lifecycle.remove(upload, storage=storage)
        return iter(found)

    report = comparison.reconcile(storage=Wrapped(objects=objects))
    assert not report.objects_without_row + report.rows_without_object


def test_an_upload_completed_during_the_listing_is_no_difference():
    late = []

    def objects(prefix, **after):
        found = list(storage.objects(prefix, **after))
        late.append(ready())
        return iter(found)

    report = comparison.reconcile(storage=Wrapped(objects=objects))
    assert not report.objects_without_row + report.rows_without_object
    assert {state(upload) for upload in late} == {State.READY}


def test_a_transfer_without_a_row_is_aborted_once_it_is_old():
    key = f"uploads/{new_id()}"
    storage.open_transfer(key, content_type=OCTETS)
    assert comparison.reconcile(storage=storage).transfers_without_row == []
    assert comparison.reconcile(storage=aged()).transfers_without_row == [key]
    assert list(storage.transfers("uploads/")) == []


def test_a_transfer_of_a_gone_upload_is_aborted_at_once():
    upload = ready()
    lifecycle.remove(upload, storage=storage)
    a_moment_later()
    storage.open_transfer(upload.key, content_type=OCTETS)
    comparison.reconcile(storage=storage)
    assert list(storage.transfers("uploads/")) == []


def test_a_second_transfer_of_a_ready_upload_is_aborted_at_once():
    """S3 opened a transfer, its answer was lost, and botocore asked again."""
    upload = ready()
    a_moment_later()
    storage.open_transfer(upload.key, content_type=OCTETS)
    assert comparison.reconcile(storage=storage).transfers_without_row == [upload.key]
    assert list(storage.transfers("uploads/")) == []
    assert storage.length(upload.key) == upload.size


def test_reconcile_leaves_other_objects_in_the_bucket_alone():
    key = put_stray("static/app.css")
    comparison.reconcile(storage=aged())
    assert storage.length(key) == 5
    storage.remove([key])


def test_reconcile_reads_more_objects_than_one_batch(monkeypatch):
    monkeypatch.setattr(pairs, "PAGE", 2)
    uploads = [ready() for _ in range(5)]
    storage.remove([uploads[4].key])
    report = comparison.reconcile(storage=storage)
    assert (report.round.objects_compared, report.rows_without_object) == (4, [uploads[4].pk])


def test_the_brake_stops_the_removal_of_more_than_a_tenth(limits):
    limits(reconcile_most=1)
    uploads = [ready() for _ in range(3)]
    storage.remove([upload.key for upload in uploads[:2]])
    with pytest.raises(Braked, match="2 of 3: rows without an object"):
        comparison.reconcile(storage=storage)
    assert {state(upload) for upload in uploads} == {State.READY}


def test_the_brake_allows_the_removal_of_a_few(limits):
    limits(reconcile_most=2)
    uploads = [ready() for _ in range(3)]
    storage.remove([upload.key for upload in uploads[:2]])
    comparison.reconcile(storage=storage)
    assert [state(upload) for upload in uploads] == [State.GONE, State.GONE, State.READY]


def test_an_empty_table_does_not_empty_the_bucket(limits):
    """Case 49: in an empty or a wrong database, every object seems to lack its row."""
    limits(reconcile_most=1)
    keys = [put_stray(f"uploads/{new_id()}") for _ in range(3)]
    with pytest.raises(Braked):
        comparison.reconcile(storage=aged())
    assert all(storage.length(key) for key in keys)


def test_a_dry_run_reports_differences_and_changes_nothing():
    upload, _ = ready(), ready()
    storage.remove([upload.key])
    key = put_stray(f"uploads/{new_id()}")
    report = comparison.reconcile(storage=aged(), dry_run=True)
    assert (report.rows_without_object, report.objects_without_row) == ([upload.pk], [key])
    assert state(upload) == State.READY
    assert storage.length(key) == 5


def test_reconcile_records_its_run():
    comparison.reconcile(storage=storage)
    assert Heartbeat.ages()["reconcile"] < 10


# the command


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_reports_what_it_found_and_removed():
    upload, _ = ready(), ready()
    storage.remove([upload.key])
    dry = run("--dry-run")
    assert "2 live rows, 1 objects" in dry
    assert f"1 rows without an object\n  {upload.pk}\n" in dry
    assert "dry run" in dry
    assert state(upload) == State.READY
    assert "What did not match was removed." in run()
    assert state(upload) == State.GONE


def test_the_command_shows_the_progress_of_both_rounds():
    assert run().startswith("The periodic round: has not begun.\nended, 0 compared, 0 removed\n")
    upload, _ = ready(), ready()
    storage.remove([upload.key])
    tasks.reconcile()
    assert re.sub(r"\d+ s", "0 s", run()).splitlines()[:3] == [
        "The periodic round: removing for 0 s, 3 compared, last step 0 s ago.",
        "removing, 3 compared, 0 removed",
        "ended, 3 compared, 1 removed",
    ]


def test_the_command_names_some_differences_and_counts_all(monkeypatch):
    monkeypatch.setattr(whole, "NAMED", 2)
    for upload in [ready() for _ in range(4)][1:]:
        storage.remove([upload.key])
    lines = run("--dry-run").splitlines()
    start = lines.index("3 rows without an object")
    assert lines[start + 3 : start + 5] == ["  and 1 more", "0 objects without a row"]


def test_the_command_says_if_something_could_not_be_removed(monkeypatch):
    upload = ready()
    lifecycle.remove(upload, storage=storage)
    a_moment_later()
    put_stray(upload.key)
    monkeypatch.setattr(storage_class(), "remove", lambda self, keys: dict.fromkeys(keys, "it is locked"))
    assert "0 of 1 were removed. Run it again." in run()


def test_the_command_exits_with_3_if_the_brake_stops_it(limits):
    limits(reconcile_most=0)
    storage.remove([ready().key])
    with pytest.raises(CommandError, match="nothing was removed: 1 of 1: rows without an object") as error:
        run()
    assert error.value.returncode == 3


def test_the_command_fails_in_one_line_if_storage_is_silent(monkeypatch):
    def down(self, prefix, **after):
        raise StorageError("time-out")

    monkeypatch.setattr(storage_class(), "objects", down)
    with pytest.raises(CommandError, match="storage does not answer: time-out") as error:
        run()
    assert error.value.returncode == 1


# the first download


def test_a_download_that_misses_its_object_removes_the_upload(owner):
    upload = owner.upload()
    storage.remove([f"uploads/{upload['id']}"])
    assert owner.browser.get(f"/u/{upload['id']}/download").status_code == 410
    assert Upload.objects.get().state == State.GONE
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}


def test_a_download_while_storage_is_down_removes_nothing(owner, monkeypatch):
    upload = owner.upload()

    def down(self, key):
        raise StorageError("time-out")

    monkeypatch.setattr(storage_class(), "length", down)
    assert owner.browser.get(f"/u/{upload['id']}/download").status_code == 503
    assert Upload.objects.get().state == State.READY


# receipts


def test_an_upload_is_gone_only_after_storage_answered_not_found():
    upload = ready()
    lifecycle.remove(upload, storage=Wrapped(remove=lambda keys: {}))  # reports success, and does nothing
    assert state(upload) == State.REMOVING
    lifecycle.sweep(storage=storage)
    assert state(upload) == State.GONE


def test_a_receipt_shows_when_the_upload_expired_and_was_removed(owner):
    upload = owner.upload()
    Upload.objects.update(expires_at=Now() - timedelta(seconds=1))
    lifecycle.sweep(storage=storage)
    row = Upload.objects.get()
    text = owner.browser.get(f"/u/{upload['id']}/").content.decode()
    told = [text.index(f'<time datetime="{at.isoformat()}"') for at in (row.expires_at, row.removed_at)]
    assert text.index("Expired") < told[0] < text.index("Deleted from storage") < told[1]
    assert f"{row.removed_at:%H:%M:%S} UTC" in text
    assert "Checked afterwards</dt><dd>nothing of it is left in storage" in text
