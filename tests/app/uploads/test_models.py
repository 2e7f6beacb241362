"""The table holds the rules that a table can hold, and every query has its index."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.db.models.functions import Now
from django.utils import timezone

from mayfly.uploads.choices import Kind, State
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Heartbeat, Upload

pytestmark = pytest.mark.django_db


def make(**changes) -> Upload:
    values = {
        "box": "b" * 22,
        "kind": Kind.FILE,
        "name": "a.txt",
        "size": 5,
        "part_size": 8,
        "lifetime": timedelta(minutes=15),
        "expires_at": Now() + timedelta(minutes=15),
    }
    upload = Upload.objects.create(**values | changes)
    upload.refresh_from_db()
    return upload


def ready(**changes) -> Upload:
    return make(**{"state": State.READY, "completed_at": Now()} | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "video"},
        {"state": "lost"},
        {"size": 0},
        {"part_size": 0},
        {"state": State.READY},
        {"state": State.PENDING, "completed_at": Now()},
        {"state": State.GONE, "name": "", "title": ""},
        {"state": State.GONE, "removed_at": Now()},
        {"state": State.GONE, "removed_at": Now(), "name": "", "title": "", "address": "here"},
    ],
)
def test_the_table_refuses_a_row_that_breaks_a_rule(changes):
    with pytest.raises(IntegrityError):
        make(**changes)


def test_ids_are_long_and_random():
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(pk) == 22 and pk.isalnum() and pk.isascii() for pk in ids)


def test_live_is_what_is_ready_and_in_time():
    live = ready()
    ready(expires_at=Now() - timedelta(milliseconds=1))
    make()
    make(state=State.REMOVING)
    assert list(Upload.objects.live()) == [live]


def test_due_is_what_stands_past_its_time():
    due = {
        ready(expires_at=Now() - timedelta(milliseconds=1)).pk,
        make(expires_at=Now() - timedelta(milliseconds=1)).pk,
    }
    ready()
    make()
    make(state=State.REMOVING, expires_at=Now() - timedelta(days=1))
    assert {upload.pk for upload in Upload.objects.due()} == due


def test_the_newest_comes_first():
    old = ready(completed_at=Now() - timedelta(seconds=2))
    new = ready(completed_at=Now() - timedelta(seconds=1))
    assert list(Upload.objects.live()) == [new, old]


def test_a_box_holds_its_own_bytes_only():
    ready(size=3)
    make(size=4)
    make(size=100, box="c" * 22)
    make(size=100, state=State.REMOVING)
    assert Upload.objects.of("b" * 22).standing().bytes() == 7
    assert Upload.objects.of("d" * 22).standing().bytes() == 0


def test_time_left_is_told_by_the_database():
    ready(expires_at=Now() + timedelta(seconds=100))
    left = Upload.objects.with_time_left().get().time_left
    assert timedelta(seconds=98) < left <= timedelta(seconds=100)


def test_a_heartbeat_is_kept_once_and_ages():
    Heartbeat.record("sweep")
    Heartbeat.objects.update(at=Now() - timedelta(seconds=90))
    assert 89 < Heartbeat.ages()["sweep"] < 100
    Heartbeat.record("sweep")
    assert -1 < Heartbeat.ages()["sweep"] < 10
    assert Heartbeat.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda: Upload.objects.of("box7").live(), "box_newest"),
        (lambda: Upload.objects.of("box7").live().filter(kind=Kind.IMAGE), "box_newest"),
        (lambda: Upload.objects.of("box7").standing(), "box_newest"),
        (lambda: Upload.objects.sent_from("here7").standing(), "from_address"),
        (lambda: Upload.objects.due(), "due"),
        (lambda: Upload.objects.removing().filter(pk__gt="").order_by("pk")[:1000], "removing"),
        (lambda: Upload.objects.wanting_a_preview()[:1], "previews"),
        (lambda: Upload.objects.of("box7").live_or_refused(), "box_newest"),
        (lambda: Upload.objects.gone().filter(removed_at__lt=Now() - timedelta(hours=24)), "receipts"),
    ],
)
def test_every_query_uses_its_index(query, index):
    """Case 56: each alone; in the stack, all that the program asks of a million rows."""
    now = timezone.now()
    common = {"kind": Kind.IMAGE, "size": 5, "part_size": 8, "lifetime": timedelta(minutes=15)}
    Upload.objects.bulk_create(
        Upload(
            box=f"box{number % 500}",
            address="" if number % 5 else f"here{number % 501}",
            state=State.GONE if number % 5 else State.READY,
            completed_at=now,
            removed_at=now - timedelta(seconds=number),
            preview_due_at=None if number % 100 else now - timedelta(seconds=number),
            expires_at=now + timedelta(seconds=number),
            **common,
        )
        for number in range(5000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert index in query().explain()
