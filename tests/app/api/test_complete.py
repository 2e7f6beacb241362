"""The word of a client about its only part, with which it completes an upload."""

import pytest
from django.test import Client

from ...support.broken import down, storage_class

pytestmark = pytest.mark.django_db


def test_the_etag_of_an_only_part_saves_a_list_of_the_parts(owner, monkeypatch):
    upload = owner.begin(b"hello")
    [part] = owner.sign(upload, 1)
    sent = owner.transport.put(part["url"], b"hello", part["headers"])
    monkeypatch.setattr(storage_class(), "parts", down)
    completed = owner.post(f"/api/uploads/{upload['id']}/complete", {"etag": sent.headers["ETag"]})
    assert (completed.status_code, completed.json()["state"]) == (200, "ready")


@pytest.mark.parametrize("etag", ['"another"', "", "é<>&", "x" * 200])
def test_a_wrong_etag_changes_nothing(owner, etag):
    upload = owner.begin(b"hello")
    path = f"/api/uploads/{upload['id']}/complete"
    assert owner.post(path, {"etag": etag}).json()["error"]["missing"] == [1]
    owner.send_parts(upload, b"hello")
    assert owner.post(path, {"etag": etag}).status_code == 200
    assert owner.post(path, {"etag": etag}).status_code == 200


def test_a_complete_needs_no_body(owner):
    upload = owner.begin(b"hello")
    owner.send_parts(upload, b"hello")
    answer = Client().generic("POST", f"/api/uploads/{upload['id']}/complete", headers=owner.headers)
    assert answer.status_code == 200
