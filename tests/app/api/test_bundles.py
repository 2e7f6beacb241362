"""Bundles through the API."""

import pytest
from django.test import Client

from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload

from ...support.making import expire

pytestmark = pytest.mark.django_db(transaction=True)


def test_several_uploads_go_under_one_link(owner, stranger):
    bundle = owner.begin_bundle(title="Yesterday", lifetime=600)
    assert (bundle["state"], bundle["uploads"], bundle["size"]) == ("open", [], 0)
    uploads = [owner.upload(name=name, bundle=bundle["id"]) for name in ("a.txt", "b.txt")]
    assert [upload["bundle"] for upload in uploads] == [bundle["id"]] * 2
    done = owner.complete_bundle(bundle).json()
    assert (done["state"], done["title"], done["size"]) == ("ready", "Yesterday", 10)
    assert [upload["name"] for upload in done["uploads"]] == ["a.txt", "b.txt"]
    assert {upload["expires_at"] for upload in done["uploads"]} == {done["expires_at"]}
    assert owner.get(f"/api/bundles/{bundle['id']}").json() == done
    assert owner.get("/api/bundles").json() == {"bundles": [done], "next": None}
    assert stranger.get("/api/bundles").json() == {"bundles": [], "next": None}


def test_a_repeated_begin_gives_the_same_bundle_while_it_is_there(owner, stranger):
    def begin(person, key: str = "a-random-key-of-mine"):
        headers = person.headers | {"Idempotency-Key": key}
        return Client().post("/api/bundles", {"title": "T"}, content_type="application/json", headers=headers)

    first = begin(owner).json()
    upload = owner.upload(bundle=first["id"])
    again = begin(owner).json()
    assert (again["id"], [one["id"] for one in again["uploads"]]) == (first["id"], [upload["id"]])
    assert (
        len({first["id"], begin(owner, "another-random-key-of-mine").json()["id"], begin(stranger).json()["id"]}) == 3
    )
    assert begin(owner, "short").status_code == 400
    owner.delete(f"/api/bundles/{first['id']}")
    assert begin(owner).status_code == 410


def test_a_first_bundle_makes_a_box(client):
    answer = client.post("/api/bundles", {}, content_type="application/json")
    assert answer.status_code == 201
    headers = {"Authorization": f"Bearer {answer.json()['box']}"}
    assert client.get(f"/api/bundles/{answer.json()['id']}", headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE", "POST"])
def test_a_stranger_and_an_unknown_bundle_get_the_same_404(owner, stranger, method):
    """Case 98."""
    bundle = owner.bundle({"a.txt": b"hello"})
    answers = []
    for pk in (bundle["id"], new_id()):
        path = f"/api/bundles/{pk}" + ("/complete" if method == "POST" else "")
        answer = stranger.request(method, path, {} if method in ("PATCH", "POST") else None)
        answers.append((answer.status_code, answer.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert owner.get(f"/api/bundles/{bundle['id']}").json() == bundle


def test_a_stranger_adds_nothing_to_a_bundle(owner, stranger):
    """Case 98."""
    bundle = owner.begin_bundle()
    body = {"kind": "file", "name": "a.txt", "size": 5, "bundle": bundle["id"]}
    refused = stranger.post("/api/uploads", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "bundle_closed")
    assert stranger.post("/api/uploads", body | {"bundle": new_id()}).json() == refused.json()
    assert stranger.post("/api/uploads", body | {"bundle": "../x"}).status_code == 400
    assert not Upload.objects.filter(bundle=bundle["id"]).exists()


def test_a_bundle_is_changed_and_removed_as_one(owner):
    bundle = owner.bundle({"a.txt": b"hello", "b.txt": b"hello"}, lifetime=600)
    changed = owner.request("PATCH", f"/api/bundles/{bundle['id']}", {"title": "Today", "lifetime": 1200}).json()
    assert changed["title"] == "Today"
    assert changed["expires_at"] > bundle["expires_at"]
    assert {upload["expires_at"] for upload in changed["uploads"]} == {changed["expires_at"]}
    assert owner.delete(f"/api/bundles/{bundle['id']}").status_code == 204
    assert owner.list() == []
    assert owner.get(f"/api/bundles/{bundle['id']}").status_code == 410
    assert owner.get("/api/bundles").json()["bundles"] == []


def test_a_bundle_ends_with_the_last_of_its_uploads(owner):
    bundle = owner.bundle({"a.txt": b"hello", "b.txt": b"hello"})
    for upload in bundle["uploads"]:
        assert owner.get(f"/api/bundles/{bundle['id']}").status_code == 200
        expire(upload)
    assert owner.get(f"/api/bundles/{bundle['id']}").status_code == 410


def test_a_list_of_bundles_has_pages(owner):
    made = [owner.bundle({"a.txt": b"hello"})["id"] for _ in range(3)]
    first = owner.get("/api/bundles?limit=2").json()
    rest = owner.get(f"/api/bundles?limit=2&cursor={first['next']}").json()
    assert [bundle["id"] for bundle in first["bundles"] + rest["bundles"]] == made[::-1]
    assert rest["next"] is None
