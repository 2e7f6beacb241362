"""The table enforces the rules that a table can enforce."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.db.models.functions import Now

from mayfly.uploads.choices import State
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.uploads.periodic import Heartbeat

from ...support.making import make_row, ready_row

pytestmark = pytest.mark.django_db


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
        make_row(**changes)


def test_ids_are_long_and_random():
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(pk) == 22 and pk.isalnum() and pk.isascii() for pk in ids)


def test_live_selects_ready_uploads_before_their_deadline():
    live = ready_row()
    ready_row(expires_at=Now() - timedelta(milliseconds=1))
    make_row()
    make_row(state=State.REMOVING)
    assert list(Upload.objects.live()) == [live]


def test_due_selects_standing_uploads_past_their_deadline():
    due = {
        ready_row(expires_at=Now() - timedelta(milliseconds=1)).pk,
        make_row(expires_at=Now() - timedelta(milliseconds=1)).pk,
    }
    ready_row()
    make_row()
    make_row(state=State.REMOVING, expires_at=Now() - timedelta(days=1))
    assert {upload.pk for upload in Upload.objects.due()} == due


def test_live_uploads_are_ordered_newest_first():
    old = ready_row(completed_at=Now() - timedelta(seconds=2))
    new = ready_row(completed_at=Now() - timedelta(seconds=1))
    assert list(Upload.objects.live()) == [new, old]


def test_usage_counts_the_standing_uploads_of_one_box():
    ready_row(size=3)
    make_row(size=4)
    make_row(size=100, box="c" * 22)
    make_row(size=100, state=State.REMOVING)
    assert Upload.objects.of("b" * 22).standing().usage(most=10) == (2, 7)
    assert Upload.objects.of("b" * 22).standing().usage(most=1)[0] == 1
    assert Upload.objects.of("d" * 22).standing().usage(most=10) == (0, 0)


def test_the_database_computes_the_time_left():
    ready_row(expires_at=Now() + timedelta(seconds=100))
    left = Upload.objects.with_time_left().get().time_left
    assert timedelta(seconds=98) < left <= timedelta(seconds=100)


def test_a_heartbeat_has_one_row_and_an_age():
    Heartbeat.record("sweep")
    Heartbeat.objects.update(at=Now() - timedelta(seconds=90))
    assert 89 < Heartbeat.ages()["sweep"] < 100
    Heartbeat.record("sweep")
    assert -1 < Heartbeat.ages()["sweep"] < 10
    assert Heartbeat.objects.count() == 1


def test_a_turn_is_taken_once_in_its_time():
    assert Heartbeat.take_turn("mail", every=timedelta(minutes=1))
    assert not Heartbeat.take_turn("mail", every=timedelta(minutes=1))
    assert Heartbeat.take_turn("other", every=timedelta(minutes=1))
    Heartbeat.objects.filter(name="mail").update(at=Now() - timedelta(seconds=61))
    assert Heartbeat.take_turn("mail", every=timedelta(minutes=1))
    assert not Heartbeat.take_turn("mail", every=timedelta(minutes=1))
