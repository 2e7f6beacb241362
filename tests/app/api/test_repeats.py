"""Idempotency-Key: a begin that is sent again gives the same upload, whatever became of the first answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models.functions import Now
from django.test import Client

from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from ...support.broken import down, storage_class
from ...support.making import expire
from ...support.people import Person

pytestmark = pytest.mark.django_db(transaction=True)

WISH = {"kind": "file", "name": "a.txt", "size": 5}


@pytest.fixture
def key() -> str:
    return str(uuid4())


def begin(key: str, person: Person | None = None, *, address: str = "192.0.2.1", **changes):
    """Begin with this key, as a person or without a box."""
    headers = (person.headers if person else {}) | {"Idempotency-Key": key}
    return Client(REMOTE_ADDR=address).post("/api/uploads", WISH | changes, "application/json", headers=headers)


def test_a_repeated_begin_gives_the_same_upload_with_fresh_urls(key, owner):
    """Case 103."""
    first, again = begin(key, owner), begin(key, owner)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    [part] = again.json()["transfer"]["first"]
    assert owner.put(part, b"hello") in (200, 201)
    assert owner.complete(again.json()).json()["state"] == "ready"
    assert Upload.objects.count() == 1


def test_a_repeated_first_begin_gives_the_same_box(key):
    """Case 103: the answer that was lost had the only token."""
    first, again = begin(key).json(), begin(key).json()
    assert again["id"] == first["id"]
    headers = {"Authorization": f"Bearer {again['box']}"}
    assert Client().get(f"/api/uploads/{first['id']}", headers=headers).status_code == 200


def test_a_key_means_nothing_to_another_client(key, owner, stranger):
    """Case 103."""
    answers = [begin(key, owner), begin(key, stranger), begin(key), begin(key, address="192.0.2.2")]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert Upload.objects.values("box").distinct().count() == 4


def test_a_key_that_a_stranger_may_guess_is_refused(owner):
    """Case 103."""
    for key in ("1", "x" * 15, "x" * 201, "a b" * 10, "caf\u00e9" * 10, '"' * 20):
        answer = begin(key, owner)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "idempotency_key")
    assert not Upload.objects.exists()


def test_a_key_counts_the_same_in_quotes(key, owner):
    assert begin(key, owner).json()["id"] == begin(f'"{key}"', owner).json()["id"]


@pytest.mark.parametrize(
    "change",
    [{"name": "b.txt"}, {"size": 6}, {"lifetime": 60}, {"title": "x"}, {"downloads": 3}, {"password": "a song"}],
)
def test_a_key_with_another_body_is_refused(key, owner, change):
    """Case 103."""
    begin(key, owner)
    answer = begin(key, owner, **change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "key_reused")
    assert Upload.objects.count() == 1


def test_a_call_beside_the_first_one_is_asked_to_wait(key, owner, monkeypatch):
    seen = []
    open_transfer = storage_class().open_transfer

    def opened(*arguments, **more):
        seen.append(begin(key, owner))
        return open_transfer(*arguments, **more)

    monkeypatch.setattr(storage_class(), "open_transfer", opened)
    assert begin(key, owner).status_code == 201
    [beside] = seen
    assert (beside.status_code, beside.json()["error"]["code"], beside["Retry-After"]) == (409, "underway", "2")
    assert Upload.objects.count() == 1


def test_many_equal_begins_at_once_make_one_upload(key, owner):
    """Case 103."""

    def call(number: int):
        try:
            return begin(key, owner if number % 2 else None)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(16)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 2  # with a box and without
    assert Upload.objects.count() == 2


def test_a_begin_that_storage_failed_may_be_repeated(key, owner, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(storage_class(), "open_transfer", down)
        patched.setattr(storage_class(), "close_transfers", down)  # so the row stays
        assert begin(key, owner).status_code == 503
    assert Upload.objects.get().state == State.REMOVING
    again = begin(key, owner)
    assert again.status_code == 201
    assert Upload.objects.pending().get().pk == again.json()["id"]


def test_a_begin_whose_process_died_may_be_repeated(key, owner):
    """Case 44: it was killed between the row and the transfer."""
    dead = begin(key, owner).json()["id"]
    Upload.objects.filter(pk=dead).update(transfer_id="")
    assert begin(key, owner).status_code == 409
    Upload.objects.filter(pk=dead).update(created_at=Now() - timedelta(seconds=31))
    again = begin(key, owner)
    assert again.status_code == 201
    assert [upload.pk for upload in Upload.objects.all()] == [again.json()["id"]] != [dead]


def test_a_begin_of_an_upload_that_is_ready_says_so(key, owner):
    upload = begin(key, owner).json()
    owner.send_parts(upload, b"hello")
    owner.complete(upload)
    again = begin(key, owner).json()
    assert (again["id"], again["state"], again["transfer"]["first"]) == (upload["id"], "ready", [])


def test_a_begin_of_an_upload_that_is_gone_makes_no_other(key, owner):
    upload = begin(key, owner).json()
    owner.send_parts(upload, b"hello")
    owner.complete(upload)
    expire(upload)
    assert begin(key, owner).status_code == 410
    lifecycle.sweep(storage=default_storage)
    assert begin(key, owner).status_code == 410
    assert Upload.objects.get().state == State.GONE


def test_a_key_cannot_be_read_from_the_table(key, owner):
    begin(key, owner)
    upload = Upload.objects.get()
    assert key not in f"{upload.ask_key} {upload.ask_body}"
    assert boxes.token_of(owner.box) not in upload.ask_key
