"""Arriving parts that are missing, repeated, in another order, or too many."""

import json
import random
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db.models.functions import Now
from django.test import Client

from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from ...support.broken import storage_class
from ...support.making import expire, is_empty, state
from ...support.people import send
from ...support.transfers import PART, REFUSED, TAKEN, content_of, row

pytestmark = pytest.mark.django_db


def test_an_object_shorter_than_its_listed_parts_is_refused(owner, small_parts, monkeypatch):
    """Case 12: LocalStack does so after a part was sent again and cut off."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    owner.send_parts(upload, content)
    whole = storage_class().complete_transfer
    monkeypatch.setattr(
        storage_class(),
        "complete_transfer",
        lambda self, key, transfer_id, parts: whole(self, key, transfer_id, parts[:-1]),
    )
    response = owner.complete(upload)
    assert response.status_code == 422
    assert "did not keep all bytes" in response.json()["error"]["message"]
    assert is_empty(row(upload))


def test_a_missing_middle_part_is_named_and_never_filled_with_zeros(owner, small_parts):
    """Case 12."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    parts = owner.sign(upload, 1, 2, 3)
    for number in (1, 3):
        assert send(parts[number - 1], content[(number - 1) * PART : number * PART]) in TAKEN
    response = owner.complete(upload)
    assert (response.status_code, response.json()["error"]["missing"]) == (409, [2])
    assert storage.length(row(upload).key) is None
    assert Client().get(f"/u/{upload['id']}/download").status_code == 404
    send(parts[1], content[PART : 2 * PART])
    assert owner.complete(upload).status_code == 200
    assert content_of(upload) == content


def test_parts_sent_twice_in_any_order_give_the_exact_file(owner, small_parts):
    """Case 13."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    parts = owner.sign(upload, 1, 2, 3)
    for number in (3, 1, 2, 1, 3):
        wrong_first = random.randbytes(parts[number - 1]["size"])
        assert send(parts[number - 1], wrong_first) in TAKEN
        assert send(parts[number - 1], content[(number - 1) * PART : number * PART]) in TAKEN
    assert owner.complete(upload).status_code == 200
    assert content_of(upload) == content


def test_a_clients_own_list_of_parts_is_ignored(owner):
    """Case 13: storage compares an ETag with its own, and sizes come from storage, so false ones have no effect."""
    mine, other = owner.begin(b"mine!"), owner.begin(b"other")
    owner.send_parts(other, b"other")
    theirs = storage.parts(row(other).key, row(other).transfer_id)[1]
    body = {"etag": theirs.etag, "parts": [{"number": 1, "size": 5, "etag": theirs.etag}]}
    response = owner.post(f"/api/uploads/{mine['id']}/complete", body)
    assert (response.status_code, response.json()["error"]["missing"]) == (409, [1])
    owner.send_parts(mine, b"mine!")
    assert owner.post(f"/api/uploads/{mine['id']}/complete", body).status_code == 200
    assert content_of(mine) == b"mine!"


def test_resuming_with_another_part_size_is_refused(owner, small_parts):
    """Case 14."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    parts = owner.sign(upload, 1, 2, 3)
    assert send(parts[0], content[:PART]) in TAKEN
    assert send(parts[1], content[PART : 2 * PART + 1]) in REFUSED
    assert send(parts[1], content[PART : PART + 1000]) in REFUSED
    listed = owner.get(f"/api/uploads/{upload['id']}/parts").json()["parts"]
    assert listed == [{"number": 1, "size": PART}]
    assert owner.complete(upload).status_code == 409


def test_resuming_with_a_grown_or_shrunk_file_never_completes(owner, small_parts):
    """Case 14: the server knows only the size, so a changed file of the same size is the client's to notice."""
    content = random.randbytes(PART + 30)
    upload = owner.begin(content)
    first, last = owner.sign(upload, 1, 2)
    assert send(first, content[:PART]) in TAKEN
    for changed in (content[PART:-1], content[PART:] + b"grown", b""):
        assert send(last, changed) in (*REFUSED, 411)
    assert owner.complete(upload).json()["error"]["missing"] == [2]


def test_no_upload_has_more_than_ten_thousand_parts(owner, limits):
    """Case 15: a larger upload has larger parts."""
    terabytes = 5 * 10**12
    limits(file_size=terabytes, box_quota=10 * terabytes, address_quota=10 * terabytes)
    for size in (79 * 10**9, 84 * 10**9, terabytes):
        response = owner.post("/api/uploads", {"kind": "file", "name": "a", "size": size})
        count = response.json()["transfer"]["parts"]
        assert 8000 < count <= 10_000
        assert len(owner.sign(response.json(), 1, count)) == 2
        path = f"/api/uploads/{response.json()['id']}/parts"
        for number in (count + 1, 10_001, 10**9):
            assert owner.post(path, {"numbers": [1, number]}).status_code == 400


def test_one_request_gets_at_most_a_thousand_signatures(owner, monkeypatch):
    """Case 15."""
    upload = owner.begin()
    monkeypatch.setattr(storage_class(), "sign_part", None)  # not even one
    for count in (1001, 10_001, 300_000):
        response = owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": list(range(1, count + 1))})
        assert response.status_code == 400, count


def test_a_body_of_megabytes_is_refused(owner):
    """Case 15: too many numbers, an endless name."""
    upload = owner.begin()
    for path, body in (
        (f"/api/uploads/{upload['id']}/parts", {"numbers": [10**9] * 400_000}),
        ("/api/uploads", {"kind": "file", "name": "x" * 3_000_000, "size": 5}),
    ):
        response = owner.post(path, json.dumps(body))
        assert response.status_code in (400, 413)
        assert response.json()["error"]["code"]


def nothing(owner, upload) -> None:
    pass


def signed(owner, upload) -> None:
    owner.sign(upload, 1, 2)


def one_part(owner, upload) -> None:
    storage.write_part(row(upload).key, row(upload).transfer_id, 1, bytes(PART))


def all_parts(owner, upload) -> None:
    one_part(owner, upload)
    storage.write_part(row(upload).key, row(upload).transfer_id, 2, b"end")


def asked_too_early(owner, upload) -> None:
    one_part(owner, upload)
    assert owner.complete(upload).status_code == 409


def whole_in_storage(owner, upload) -> None:
    all_parts(owner, upload)
    parts = storage.parts(row(upload).key, row(upload).transfer_id)
    storage.complete_transfer(row(upload).key, row(upload).transfer_id, parts.values())


@pytest.mark.parametrize("until", [nothing, signed, one_part, all_parts, asked_too_early, whole_in_storage])
def test_a_tab_closed_at_any_step_leaves_nothing_after_its_deadline(owner, small_parts, until):
    """Case 26."""
    upload = owner.begin(bytes(PART + 3))
    until(owner, upload)
    lifecycle.sweep(storage=storage)
    assert row(upload).state == State.PENDING  # its deadline is still ahead
    begun = expire(upload)
    lifecycle.sweep(storage=storage)
    assert state(begun) is None
    assert is_empty(begun)
    assert not [found for found in storage.transfers("uploads/") if found.key == begun.key]


def test_an_arrived_part_is_never_requested_again(owner, small_parts, monkeypatch):
    """Case 27: the client repeats a failed step, and not the transfer."""

    def while_this_fails(step: str):
        def down(self, *arguments):
            raise StorageError("time-out")

        with monkeypatch.context() as broken:
            broken.setattr(storage_class(), step, down)
            return owner.complete(upload)

    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    for part in owner.sign(upload, 1, 3):
        send(part, content[(part["number"] - 1) * PART : part["number"] * PART])
    assert while_this_fails("parts").status_code == 503
    assert owner.complete(upload).json()["error"]["missing"] == [2]
    listed = owner.get(f"/api/uploads/{upload['id']}/parts").json()["parts"]
    assert [part["number"] for part in listed] == [1, 3]
    [part] = owner.sign(upload, 2)
    send(part, content[PART : 2 * PART])
    for step in ("complete_transfer", "beginning"):
        assert while_this_fails(step).status_code == 503
    assert owner.complete(upload).status_code == 200
    assert content_of(upload) == content


def test_resuming_without_sending_extends_no_deadline(owner):
    """Case 27: signing and listing alone do not move the deadline, however near it is."""
    upload = owner.begin()
    Upload.objects.filter(pk=upload["id"]).update(expires_at=Now() + timedelta(minutes=5))
    deadline = row(upload).expires_at
    for _ in range(3):
        owner.sign(upload, 1)
        owner.get(f"/api/uploads/{upload['id']}/parts")
        owner.complete(upload)
    assert row(upload).expires_at == deadline
