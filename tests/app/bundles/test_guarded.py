"""A password and a limit of a bundle hold for all that is in it, on every route."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test import Client

from mayfly.uploads.models import Upload

from ...support.people import body_of
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)

CONTENTS = {"secret.txt": b"hello", "other.txt": b"more"}
WORD = "a song"


@pytest.fixture
def locked(owner) -> dict:
    return owner.bundle(CONTENTS, title="Holiday", password=WORD)


@pytest.fixture
def limited(owner) -> dict:
    return owner.bundle(CONTENTS, downloads=2)


def routes(bundle: dict) -> list[str]:
    """Every route of the bundle and of its uploads that gives something of it."""
    of_uploads = [
        f"/u/{one['id']}/{part}" for one in bundle["uploads"] for part in ("", "download", "preview", "qr.svg")
    ]
    return [f"/b/{bundle['id']}/{part}" for part in ("", "zip", "qr.svg")] + of_uploads


def names_in(answer) -> set[str]:
    with ZipFile(BytesIO(body_of(answer))) as opened:
        return set(opened.namelist())


def test_no_route_says_anything_without_the_password(locked):
    """Cases 32 and 98."""
    for path in routes(locked):
        for method in ("get", "head"):
            answer = getattr(Client(), method)(path, follow=True)
            text = body_of(answer).decode()
            assert not any(said in text for said in ("secret", "Holiday", "2 files", "9 bytes"))
            assert "Content-Disposition" not in answer
        program = Client().get(path, headers={"Accept": "application/json"})
        assert (program.status_code, program.json()["error"]["code"]) == (403, "locked")


def test_the_password_of_a_bundle_opens_all_of_it(locked):
    browser = Client()
    wrong = browser.post(f"/b/{locked['id']}/open", {"password": "another"})
    assert wrong.status_code == 403
    assert browser.post(f"/b/{locked['id']}/open", {"password": WORD}).status_code == 303
    assert "secret.txt" in browser.get(f"/b/{locked['id']}/").content.decode()
    for upload in locked["uploads"]:
        assert upload["name"] in browser.get(f"/u/{upload['id']}/").content.decode()
    led = browser.post(f"/b/{locked['id']}/zip")
    assert led.status_code == 303
    assert names_in(Client().get(led["Location"])) == set(CONTENTS)


def test_the_owner_is_not_asked(owner, locked):
    assert names_in(owner.browser.get(f"/b/{locked['id']}/zip")) == set(CONTENTS)
    assert owner.get(f"/api/bundles/{locked['id']}").json()["password"] is True
    assert {one["password"] for one in owner.list()} == {True}


def test_a_program_sends_the_password_with_the_zip(locked):
    answer = Client().post(f"/b/{locked['id']}/zip", {"password": WORD}, headers={"Accept": "*/*"}, follow=True)
    assert names_in(answer) == set(CONTENTS)
    refused = Client().post(f"/b/{locked['id']}/zip", {"password": "x"}, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "wrong_password")


def test_a_get_or_head_of_a_limited_zip_takes_nothing(owner, limited):
    """Case 35."""
    for method in ("get", "head"):
        getattr(Client(), method)(f"/b/{limited['id']}/zip")
    led = Client().get(f"/b/{limited['id']}/zip")
    assert (led.status_code, led["Location"]) == (303, f"/b/{limited['id']}/")
    assert owner.get(f"/api/bundles/{limited['id']}").json()["downloads"] == {"most": 2, "taken": 0}


def test_a_limit_counts_zips_and_single_uploads_together(owner, limited):
    zip_path, upload = f"/b/{limited['id']}/zip", limited["uploads"][0]
    first = Client()
    led = first.post(zip_path)
    assert names_in(Client().get(led["Location"])) == set(CONTENTS)
    assert first.post(f"/u/{upload['id']}/download").status_code == 303  # the same visitor, within a minute
    assert owner.get(f"/api/bundles/{limited['id']}").json()["downloads"]["taken"] == 1
    last = Client()
    assert last.post(f"/u/{upload['id']}/download").status_code == 303
    for path in routes(limited):
        assert Client().get(path).status_code == 410
    assert "All its downloads were taken." in Client().get(f"/b/{limited['id']}/").content.decode()
    assert names_in(last.post(zip_path, follow=True)) == set(CONTENTS)


def test_the_last_zip_has_time_to_be_sent(owner):
    """The uploads stay for as long as the slowest client that is borne takes for all of them."""
    bundle = owner.bundle({"a.bin": b"x" * 65536 * 50, "b.txt": b"b"}, downloads=1, lifetime=3600)
    Client().post(f"/b/{bundle['id']}/zip")
    left = Upload.objects.with_time_left().get(pk=bundle["uploads"][0]["id"]).time_left.total_seconds()
    assert 110 < left < 140
    assert owner.browser.post(f"/b/{bundle['id']}/keep").status_code == 303
    assert Upload.objects.with_time_left().get(pk=bundle["uploads"][0]["id"]).time_left.total_seconds() < 140


def test_parallel_takers_of_zips_never_exceed_the_limit(limited):
    """Case 36."""

    def take(_) -> int:
        try:
            return Client().post(f"/b/{limited['id']}/zip").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(take, range(12)))
    assert sorted(statuses) == [303] * 2 + [410] * 10


def test_a_limited_bundle_shows_no_pictures_to_others(owner):
    bundle = owner.bundle({"a.png": PNG, "b.png": PNG}, kind="image", downloads=3)
    upload = bundle["uploads"][0]
    Upload.objects.filter(pk=upload["id"]).update(has_preview=True)
    preview = f'src="/u/{upload["id"]}/preview"'
    assert preview not in Client().get(f"/b/{bundle['id']}/").content.decode()
    assert preview in owner.browser.get(f"/b/{bundle['id']}/").content.decode()
    assert Client().get(f"/u/{upload['id']}/preview").status_code == 404


def test_an_upload_in_a_bundle_has_no_protection_of_its_own(owner):
    bundle = owner.begin_bundle(password=WORD)
    body = {"kind": "file", "name": "a.txt", "size": 5, "bundle": bundle["id"]}
    refused = owner.post("/api/uploads", body | {"password": "another"})
    assert refused.json()["error"]["code"] == "bundle_protects"
    upload = owner.upload(bundle=bundle["id"])
    assert upload["password"] is True
    refused = owner.request("PATCH", f"/api/uploads/{upload['id']}", {"password": ""})
    assert refused.json()["error"]["code"] == "bundle"
    renamed = owner.request("PATCH", f"/api/uploads/{upload['id']}", {"title": "A"})
    assert renamed.status_code == 200


def test_a_protection_can_be_changed_and_removed(owner, locked):
    path = f"/api/bundles/{locked['id']}"
    changed = owner.request("PATCH", path, {"password": "", "downloads": 5}).json()
    assert (changed["password"], changed["downloads"]) == (False, {"most": 5, "taken": 0})
    Client().post(f"/b/{locked['id']}/zip")
    assert owner.request("PATCH", path, {"downloads": 1}).json()["error"]["code"] == "downloads"
    assert owner.request("PATCH", path, {"downloads": 0}).json()["downloads"] is None


def test_a_complete_does_not_prolong_a_bundle_that_is_taken(owner):
    bundle = owner.begin_bundle(downloads=1, lifetime=3600)
    upload = owner.upload(bundle=bundle["id"])
    assert Client().post(f"/u/{upload['id']}/download").status_code == 303
    assert owner.complete_bundle(bundle).status_code == 410
    assert Upload.objects.with_time_left().get(pk=upload["id"]).time_left.total_seconds() <= 60
    refused = owner.post("/api/uploads", {"kind": "file", "name": "a.txt", "size": 5, "bundle": bundle["id"]})
    assert refused.json()["error"]["code"] == "bundle_closed"
