"""Bytes go out of storage at a cost that depends on what is removed, and what fails is said."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from mayfly.storage.keys import PREFIXES
from mayfly.storage.protocol import NOT_ASKED, STILL_THERE, StorageError
from mayfly.storage.s3 import proof
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import Gone, Refused
from mayfly.uploads.ids import new_id
from mayfly.uploads.lifecycle import Cleared
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload

from ...support.broken import Wrapped
from ...support.making import arrive, begin, expire, make_row, ready_row, state
from ...support.requests import requests_to_s3

pytest_plugins = ["tests.support.storages"]
pytestmark = pytest.mark.django_db(transaction=True)


def rows(count: int, **changes) -> list[Upload]:
    """Ready rows of one box that are due, without any bytes."""
    changes = {"box": "b" * 22, "expires_at": Now() - timedelta(seconds=1)} | changes
    return [ready_row(**changes) for _ in range(count)]


def put(s3, uploads: list[Upload]) -> int:
    """Give these uploads their objects. Returns how many these are."""
    keys = [key for upload in uploads for key in upload.keys]
    for key in keys:
        s3.put(key, b"x", content_type="text/plain")
    return len(keys)


def set_clock(monkeypatch, *modules: str, clock) -> None:
    """Let these modules of the lifecycle go by this clock. A function of the package hides each by its name."""
    for module in modules:
        monkeypatch.setattr(sys.modules[f"mayfly.uploads.lifecycle.{module}"], "monotonic", clock)


# what it costs


@pytest.mark.parametrize("others", [0, 20])
def test_a_removal_costs_a_few_requests_where_few_others_live(s3, others):
    """Case 57: previews are objects too, and the objects that live beside them cost nothing."""
    left = [found.key for prefix in PREFIXES for found in s3.objects(prefix)]
    s3.remove(left)  # by earlier tests, in a bucket that all share
    live = rows(others, expires_at=Now() + timedelta(hours=1))
    put(s3, live)
    put(s3, rows(60) + rows(20, kind=Kind.IMAGE))
    with requests_to_s3() as requests:
        assert lifecycle.sweep(storage=s3).removed == 80
    assert requests["DeleteObjects"] == 1
    assert requests["ListObjectsV2"] <= 3
    assert requests.total() <= 5
    s3.remove([upload.key for upload in live])


def test_a_removal_among_many_costs_little_more_than_a_request_an_object(s3, monkeypatch):
    """Case 57."""
    monkeypatch.setattr(proof, "MOST_BESIDE", 0)  # any other object is too many
    live = rows(20, expires_at=Now() + timedelta(hours=1))
    put(s3, live)
    objects = put(s3, rows(60) + rows(20, kind=Kind.IMAGE))
    with requests_to_s3() as requests:
        assert lifecycle.sweep(storage=s3).removed == 80
    assert requests.total() <= 1.1 * objects
    s3.remove([upload.key for upload in live])


def test_an_abandoned_transfer_costs_four_requests_and_no_wide_listing(s3):
    """Case 57."""
    for others in (0, 5):
        abandoned = [expire(begin(storage=s3)) for _ in range(10)]
        open_ones = [begin(storage=s3) for _ in range(others)]
        with requests_to_s3() as requests:
            assert lifecycle.sweep(storage=s3).removed == 10
        names = ("ListMultipartUploads", "AbortMultipartUpload", "ListParts", "GetObject")
        assert requests == dict.fromkeys(names, len(abandoned)) | {"DeleteObjects": 1}
        for upload in open_ones:
            lifecycle.remove(upload, storage=s3)


def test_a_sweep_asks_the_table_as_often_for_one_upload_as_for_many():
    def queries(count: int) -> int:
        rows(count)
        with CaptureQueriesContext(connection) as asked:
            assert lifecycle.sweep(storage=storage).removed == count
        return len(asked)

    queries(1)
    # The ids are read in two halves, either of which may be empty.
    assert queries(100) <= queries(1) + 2


# a proof in part


def test_what_is_proven_is_committed_although_the_rest_is_not():
    """Case 57."""
    uploads = rows(10)
    late = {upload.key for upload in uploads[:4]}

    def unproven(keys, *, seconds):
        assert 0 < seconds < 20  # Celery's soft limit
        return {key: NOT_ASKED for key in keys if key in late}

    assert lifecycle.sweep(storage=Wrapped(unproven=unproven)).removed == 6
    assert {upload.key for upload in Upload.objects.removing()} == late
    assert not Upload.objects.exclude(failure="").exists()  # their turn did not come, which is no failure
    assert lifecycle.sweep(storage=storage).removed == 4


def test_a_sweep_ends_in_time_and_the_next_one_continues(monkeypatch):
    """Case 57: Celery would end it after 20 s, and undo its last share."""
    rows(10)
    clock = [0.0]

    def unproven(keys, *, seconds):
        clock[0] += 5
        return {}

    set_clock(monkeypatch, "sweep", clock=lambda: clock[0])
    assert lifecycle.sweep(storage=Wrapped(unproven=unproven), share=2).removed == 4
    assert clock[0] == 10
    assert Upload.objects.removing().count() == 6
    assert lifecycle.sweep(storage=storage).removed == 6


def test_a_clear_works_for_some_seconds_and_leaves_the_rest_to_the_sweep(monkeypatch):
    """Case 57."""
    rows(6)
    clock = [0.0]

    def unproven(keys, *, seconds):
        clock[0] += 2
        return {}

    monkeypatch.setattr(sys.modules["mayfly.uploads.lifecycle.remove"], "SHARE", 1)
    set_clock(monkeypatch, "remove", clock=lambda: clock[0])
    cleared = lifecycle.clear(box="b" * 22, storage=Wrapped(unproven=unproven))
    assert cleared == Cleared(removed=6, left=4)
    assert not Upload.objects.of("b" * 22).standing().exists()
    assert lifecycle.sweep(storage=storage).removed == 4


def test_several_workers_share_one_backlog():
    """Each upload is removed once, and none by all."""
    uploads = rows(60)
    lifecycle.sweep(storage=Wrapped(remove=lambda keys: dict.fromkeys(keys, "SlowDown")))
    asked = []

    def remove(keys):
        asked.extend(keys)
        return storage.remove(keys)

    def attempt(_):
        try:
            return lifecycle.sweep(storage=Wrapped(remove=remove), share=5).removed
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        removed = list(pool.map(attempt, range(4)))
    removed.append(lifecycle.sweep(storage=Wrapped(remove=remove)).removed)
    assert sum(removed) == len(uploads)
    assert sorted(asked) == sorted(upload.key for upload in uploads)


# what needs no receipt


def test_an_upload_that_never_was_ready_leaves_no_row():
    """Case 58: begin and delete, again and again, fill no table."""
    box = new_id()
    for _ in range(3):
        lifecycle.remove(begin(box=box), storage=storage)
        lifecycle.remove(arrive(begin(box=box)), storage=storage)
        expire(begin(box=box))
    lifecycle.sweep(storage=storage)
    assert not Upload.objects.exists()


def test_a_row_that_never_was_ready_stays_until_storage_is_clean():
    """Case 58."""
    upload = arrive(begin())
    lifecycle.remove(upload, storage=Wrapped(close_transfers=lambda keys, **_: dict.fromkeys(keys, "SlowDown")))
    assert state(upload) == State.REMOVING
    lifecycle.remove(arrive(begin()), storage=Wrapped(unproven=lambda keys, **_: dict.fromkeys(keys, STILL_THERE)))
    assert Upload.objects.removing().count() == 2
    lifecycle.sweep(storage=storage)
    assert not Upload.objects.exists()


def test_a_refused_upload_says_why_for_a_lifetime_and_then_leaves_no_row():
    """Case 58: a client whose answer was lost asks again."""
    upload = arrive(begin(b"hello", kind=Kind.IMAGE))
    for _ in range(2):
        with pytest.raises(Refused, match="not an image"):
            lifecycle.complete(upload, storage=storage)
    Upload.objects.update(removed_at=Now() - limits.lifetime + timedelta(minutes=1))
    lifecycle.sweep(storage=storage)
    assert state(upload) == State.GONE
    Upload.objects.update(removed_at=Now() - limits.lifetime)
    lifecycle.sweep(storage=storage)
    assert state(upload) is None


def test_every_step_after_a_removal_says_that_the_upload_is_gone():
    upload = arrive(begin())
    lifecycle.remove(upload, storage=storage)
    for step in (
        lambda: lifecycle.complete(upload, storage=storage),
        lambda: lifecycle.sign_parts(upload, [1], storage=storage),
        lambda: lifecycle.arrived(upload, storage=storage),
    ):
        with pytest.raises(Gone):
            step()


# what is said of a failure


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("AccessDenied: Access Denied", "AccessDenied: Access Denied"),
        ('Read timeout on endpoint URL: "http://s3:4566/mayfly/{key}?X-Amz-Signature=ab"', 'URL: "…"'),
        ('User: arn:aws:iam::123456789012:user/mayfly is not authorized on "arn:aws:s3:::b/{key}"', "User: … is not"),
        ("[Errno 13] Permission denied: '/data/objects/{key}'", "Permission denied"),
        ("parts still arrive in an aborted transfer of {key}", "transfer of uploads/…"),
        ("NoSuchUpload: " + "u" * 120, "NoSuchUpload: …"),
        ("InternalError: " + "we are sorry, " * 100, "InternalError: we are sorry"),
    ],
)
def test_a_failure_is_kept_in_storages_words_and_without_secrets(why, said):
    """Case 59."""
    [upload] = rows(1)
    lifecycle.sweep(storage=Wrapped(remove=lambda keys: {key: why.format(key=key) for key in keys}))
    upload.refresh_from_db()
    assert upload.state == State.REMOVING
    assert said in upload.failure
    assert len(upload.failure) <= 200
    assert not re.search(rf"{upload.pk[9:]}|http|arn:|X-Amz|/data|u{{40}}", upload.failure)


def test_a_removal_that_succeeds_forgets_its_failures():
    [upload] = rows(1)
    lifecycle.sweep(storage=Wrapped(remove=lambda keys: dict.fromkeys(keys, "SlowDown")))
    lifecycle.sweep(storage=storage)
    upload.refresh_from_db()
    assert (upload.state, upload.failure) == (State.GONE, "")


def test_the_same_failure_is_written_once():
    """Otherwise each sweep would rewrite every row that storage does not let go of."""
    rows(3)
    broken = Wrapped(remove=lambda keys: dict.fromkeys(keys, "SlowDown"))
    lifecycle.sweep(storage=broken)
    before = set(Upload.objects.values_list("failure", "removing_since"))
    with CaptureQueriesContext(connection) as asked:
        lifecycle.sweep(storage=broken)
    assert {failure for failure, _ in before} == {"SlowDown"}
    assert set(Upload.objects.values_list("failure", "removing_since")) == before
    assert sum("SET" in query["sql"] and "failure" in query["sql"] for query in asked) <= 1


def test_storage_that_removes_nothing_at_all_is_named_in_every_row():
    uploads = rows(3)

    def down(keys):
        raise StorageError("time-out")

    with pytest.raises(StorageError, match="time-out"):
        lifecycle.sweep(storage=Wrapped(remove=down))
    assert list(Upload.objects.removing().values_list("failure", flat=True)) == ["time-out"] * len(uploads)


def test_uploads_that_fail_wait_behind_those_that_have_not_failed():
    """Case 59: however many fail, they take no time from the others."""
    failing = rows(5)
    lifecycle.sweep(storage=Wrapped(remove=lambda keys: dict.fromkeys(keys, "SlowDown")))
    others, asked = rows(5), []

    def remove(keys):
        asked.append(set(keys))
        return storage.remove(keys)

    lifecycle.sweep(storage=Wrapped(remove=remove))
    assert asked == [{upload.key for upload in others}, {upload.key for upload in failing}]


def test_a_removal_that_the_earlier_version_began_gets_its_date():
    upload = make_row(state=State.REMOVING)
    lifecycle.sweep(storage=Wrapped(remove=lambda keys: dict.fromkeys(keys, "SlowDown")))
    upload.refresh_from_db()
    assert upload.removing_since is not None
