"""Liveness touches nothing. Readiness asks every service that the app needs."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mayfly.ops import health
from mayfly.storage.protocol import StorageError
from mayfly.uploads import tasks
from mayfly.uploads.choices import State
from mayfly.uploads.periodic import Heartbeat

from ...support.broken import down, storage_class
from ...support.making import make_row

pytestmark = pytest.mark.django_db


def test_live_answers_without_a_query():
    with CaptureQueriesContext(connection) as queries:
        response = Client().get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert not queries


def test_ready_answers_200_once_beat_and_the_sweep_have_run():
    tasks.sweep(from_beat=True)
    response = Client().get("/health/ready")
    assert response.status_code == 200, response.content
    assert response.json()["status"] == "ok"
    assert {"database", "storage", "beat", "sweep"} <= set(response.json()["checks"])
    assert "no-store" in response["Cache-Control"]


def test_ready_answers_503_before_the_first_sweep():
    response = Client().get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["sweep"] == "never ran"


def test_a_sweep_without_beat_does_not_count_as_beat():
    tasks.sweep()
    checks = Client().get("/health/ready").json()["checks"]
    assert (checks["sweep"], checks["beat"]) == ("ok", "never ran")


def test_ready_reports_an_old_sweep():
    tasks.sweep(from_beat=True)
    Heartbeat.objects.filter(name="sweep").update(at=Now() - timedelta(seconds=100))
    response = Client().get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["sweep"].endswith(" s old")
    assert response.json()["checks"]["beat"] == "ok"


def test_ready_reports_that_storage_fails_but_not_why(monkeypatch):
    tasks.sweep(from_beat=True)

    def down(self):
        raise StorageError("http://secret-host:4566 refused")

    monkeypatch.setattr(storage_class(), "check", down)
    response = Client().get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["storage"] == "fails"
    assert b"secret-host" not in response.content


def test_ready_reports_removals_that_last_in_the_words_of_storage():
    """Case 59: their number, and the age of the oldest. A removal that has just failed is tried again first."""
    tasks.sweep(from_beat=True)
    for minutes, words in ((4, "SlowDown: later"), (6, "SlowDown: please"), (9, "AccessDenied: Access Denied")):
        make_row(state=State.REMOVING, removing_since=Now() - timedelta(minutes=minutes), failure=words)
    response = Client().get("/health/ready")
    assert response.status_code == 503
    found = re.fullmatch(r"2 not removed, the oldest for (\d+) s: (.*)", response.json()["checks"]["removal"])
    assert found
    assert 540 <= int(found[1]) < 570
    assert found[2] == "AccessDenied: Access Denied"


def test_ready_is_well_while_removals_are_young():
    tasks.sweep(from_beat=True)
    make_row(state=State.REMOVING, removing_since=Now(), failure="SlowDown")
    response = Client().get("/health/ready")
    assert (response.status_code, response.json()["checks"]["removal"]) == (200, "ok")


@pytest.fixture
def storage_lacks(monkeypatch):
    """Give `lacking` of the storage in use an answer, or an error; returns the list of times that it was asked."""

    def given(answer) -> list:
        asked = []

        def lacking(self):
            asked.append(self)
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(storage_class(), "lacking", lacking)
        return asked

    return given


def test_ready_warns_of_what_storage_lacks_and_stays_well(storage_lacks):
    tasks.sweep(from_beat=True)
    storage_lacks(["storage has no lifecycle rule"])
    response = Client().get("/health/ready")
    assert (response.status_code, response.json()["warnings"]) == (200, ["storage has no lifecycle rule"])


def test_ready_warns_if_storage_does_not_say_what_it_lacks(storage_lacks):
    tasks.sweep(from_beat=True)
    storage_lacks(StorageError("http://secret-host:4566 refused"))
    response = Client().get("/health/ready")
    assert (response.status_code, response.json()["warnings"]) == (200, ["storage did not say what it lacks"])
    assert b"secret-host" not in response.content


def test_ready_asks_seldom_what_storage_lacks(storage_lacks, monkeypatch):
    asked = storage_lacks([])
    monkeypatch.setattr(health, "warnings", health.Kept(health._warnings, seconds=health.WARNINGS_KEPT_SECONDS))
    for _ in range(3):
        assert Client().get("/health/ready").json()["warnings"] == []
    assert len(asked) == 1


def test_ready_asks_a_storage_that_fails_no_more(storage_lacks, monkeypatch):
    asked = storage_lacks(["of no interest"])
    monkeypatch.setattr(storage_class(), "check", down)
    assert Client().get("/health/ready").json()["warnings"] == []
    assert asked == []


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_refuses_post(path):
    assert Client().post(path).status_code == 405
