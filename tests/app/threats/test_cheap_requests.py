"""Requests that cost a client nothing: what they cost here."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.test import Client
from ninja.openapi import schema as ninja_schema

from mayfly.api.routes import api
from mayfly.ops import health
from mayfly.ops.health import Kept

from ...support.broken import storage_class

pytestmark = pytest.mark.django_db


def test_the_api_document_is_made_once(monkeypatch):
    """Case 71."""
    first = Client().get("/api/openapi.json").content
    monkeypatch.setattr(ninja_schema.OpenAPISchema, "__init__", None)  # not one more
    assert Client().get("/api/openapi.json").content == first
    assert json.loads(first)["paths"].keys() == api.get_openapi_schema()["paths"].keys()


@pytest.fixture
def kept(monkeypatch) -> Kept:
    """The readiness of a process that has just started and keeps each answer for an hour."""
    monkeypatch.setattr(health, "readiness", Kept(health._checked, seconds=3600))
    return health.readiness


@pytest.mark.parametrize("fails", [False, True])
def test_ready_asks_storage_once_however_many_ask(kept, monkeypatch, fails):
    """Case 71: a failure is kept as well, since its check takes the longest."""
    asked = []

    def check(self) -> None:
        asked.append(self)
        if fails:
            raise OSError("down")

    monkeypatch.setattr(storage_class(), "check", check)
    answers = [Client().get("/health/ready").json() for _ in range(5)]
    assert answers[0]["checks"]["storage"] == ("fails" if fails else "ok")
    assert all(answer == answers[0] for answer in answers)
    assert len(asked) == 1


def test_a_kept_answer_of_ready_ends(kept, monkeypatch):
    """Case 71."""
    before = Client().get("/health/ready").json()["checks"]["storage"]
    monkeypatch.setattr(storage_class(), "check", lambda self: 1 / 0)
    assert Client().get("/health/ready").json()["checks"]["storage"] == before == "ok"
    monkeypatch.setattr(kept, "seconds", 0)
    assert Client().get("/health/ready").json()["checks"]["storage"] == "fails"


def test_threads_that_ask_at_once_share_one_check():
    """Case 71."""
    begun, go_on, checks = Event(), Event(), []

    def check() -> dict[str, str]:
        checks.append(1)
        begun.set()
        assert go_on.wait(10)
        return {"status": "ok"}

    readiness = Kept(check, seconds=3600)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(readiness.answer)]
        assert begun.wait(10)
        answers += [pool.submit(readiness.answer) for _ in range(7)]
        go_on.set()
        assert [answer.result(10) for answer in answers] == [{"status": "ok"}] * 8
    assert checks == [1]


def test_a_foreign_host_logs_no_traceback(caplog):
    """Case 71: the access log has its line, as for every request."""
    assert Client().get("/images/", headers={"Host": "evil.example"}).status_code == 400
    assert caplog.records == []


def test_a_part_asked_for_twice_is_signed_not_even_once(owner, monkeypatch):
    """Case 71: the answer would be a hundred times as long as the request."""
    upload = owner.begin()
    monkeypatch.setattr(storage_class(), "sign_part", None)
    for numbers in ([1, 1], [1] * 1000):
        response = owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": numbers})
        assert response.status_code == 400
        assert response.json()["error"] == {
            "code": "part_doubled",
            "message": "Part 1 is asked for twice. Name each part once.",
            "field": "numbers",
        }
