"""An upload with a password or a limit on downloads, as the people with its link and its owner meet it."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from mayfly.uploads import guarded
from mayfly.uploads.choices import End
from mayfly.uploads.models import Upload
from mayfly.visitors import passes

from ...support.people import body_of, fetch
from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "Süß wie 夏"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON, CURL = {"Accept": "application/json"}, {"Accept": "*/*"}


@pytest.fixture
def locked(owner) -> dict:
    return owner.upload(b"hello", password=PASSWORD)


@pytest.fixture
def limited(owner) -> dict:
    return owner.upload(b"hello", downloads=3)


def at(upload: dict, route: str = "") -> str:
    return f"/u/{upload['id']}/{route}"


def unlock(client: Client, upload: dict, password: str = PASSWORD, **headers: str):
    return client.post(at(upload, "open"), {"password": password}, headers=BROWSER | headers)


def row(upload: dict) -> Upload:
    return Upload.objects.get(pk=upload["id"])


def test_a_locked_page_asks_for_the_password_and_shows_nothing_else(locked, stranger):
    response = stranger.browser.get(at(locked))
    text = page(response)
    assert response.status_code == 200
    assert "Something is here until" in text
    assert f'action="/u/{locked["id"]}/open"' in text
    for hidden in ("a.txt", "5 bytes", "qr.svg", "/preview", locked["code"].replace("-", " "), 'class="icon"'):
        assert hidden not in text


def test_the_password_opens_the_upload_in_this_browser_alone(locked, owner):
    browser, other = Client(), owner.upload(b"other", password=PASSWORD)
    response = unlock(browser, locked)
    assert (response.status_code, response["Location"]) == (303, at(locked))
    assert "a.txt" in page(browser.get(at(locked)))
    assert "a.txt" not in page(browser.get(at(other))) + page(Client().get(at(locked)))
    cookie = browser.cookies[passes.PASSES]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert unlock(browser, other).status_code == 303  # the first one stays open
    assert "a.txt" in page(browser.get(at(locked)))


def test_a_letter_typed_in_another_form_is_the_same(locked):
    assert unlock(Client(), locked, PASSWORD.replace("ü", "u\u0308")).status_code == 303


@pytest.mark.parametrize("typed", ["", "süß wie 夏", PASSWORD + " ", "x" * 201, "\x00"])
def test_a_wrong_password_opens_nothing(locked, typed):
    response = unlock(Client(), locked, typed)
    assert response.status_code == 403
    assert ('aria-invalid="true"' in page(response)) == bool(typed)
    assert "a.txt" not in page(response)


def test_the_owner_types_no_password_and_takes_no_download(owner, locked, limited):
    for upload in (locked, limited):
        assert "a.txt" in page(owner.browser.get(at(upload)))
        assert owner.browser.get(at(upload, "download")).status_code == 302
        assert Client().get(at(upload, "download"), headers=owner.headers).status_code == 302
    assert row(limited).downloads_taken == 0


def test_a_download_of_a_locked_upload_begins_on_its_page(locked):
    browser = Client()
    response = browser.get(at(locked, "download"), headers=BROWSER)
    assert (response.status_code, response["Location"]) == (303, at(locked))
    unlock(browser, locked)
    assert browser.get(at(locked, "download"), headers=BROWSER)["Location"] == at(locked)
    assert re.search(f'<form method="post" action="{at(locked, "download")}">', page(browser.get(at(locked))))
    response = browser.post(at(locked, "download"), headers=BROWSER)
    assert response.status_code == 303
    assert body_of(fetch(response["Location"])) == b"hello"


@pytest.mark.parametrize(
    ("method", "fields", "status", "code"),
    [("get", {}, 403, "locked"), ("post", {}, 403, "locked"), ("post", {"password": "x"}, 403, "wrong_password")],
)
def test_a_program_is_told_what_is_missing(locked, method, fields, status, code):
    for route in ("", "download", "preview", "qr.svg") if method == "get" else ("download",):
        answer = getattr(Client(), method)(at(locked, route), fields, headers=JSON)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
        answer = getattr(Client(), method)(at(locked, route), fields, headers=CURL)
        assert answer.status_code == status
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.content.count(b"\n") == 1


def test_a_program_downloads_with_the_password_in_one_request(locked):
    response = Client(enforce_csrf_checks=True).post(at(locked, "download"), {"password": PASSWORD}, headers=CURL)
    assert response.status_code == 303
    assert body_of(fetch(response["Location"])) == b"hello"


def test_a_limited_page_says_how_many_are_left_and_each_post_takes_one(limited):
    assert "3 downloads left" in page(Client().get(at(limited)))
    assert Client().get(at(limited, "download"), headers=BROWSER)["Location"] == at(limited)
    told = Client().get(at(limited, "download"), headers=JSON)
    assert (told.status_code, told.json()["error"]["code"], told["Allow"]) == (405, "unconfirmed", "POST")
    response = Client().post(at(limited, "download"), headers=BROWSER)
    assert body_of(fetch(response["Location"])) == b"hello"
    assert row(limited).downloads_taken == 1
    assert row(limited).fetched_count == 1
    assert "2 downloads left" in page(Client().get(at(limited)))


def test_a_second_click_within_a_minute_takes_no_second_one(limited, monkeypatch):
    browser = Client()
    for _ in range(3):
        response = browser.post(at(limited, "download"), headers=BROWSER)
        assert body_of(fetch(response["Location"])) == b"hello"
    assert (row(limited).downloads_taken, row(limited).fetched_count) == (1, 1)
    monkeypatch.setattr(passes, "DOWNLOAD_URL_LIFETIME", timedelta(seconds=-1))
    browser.post(at(limited, "download"), headers=BROWSER)
    assert row(limited).downloads_taken == 2


def test_the_last_download_leaves_the_receipt(owner):
    upload = owner.upload(b"hello", downloads=1)
    browser = Client()
    link = browser.post(at(upload, "download"), headers=BROWSER)["Location"]
    assert row(upload).expires_at <= timezone.now() + timedelta(minutes=1)
    for path in (at(upload), at(upload, "qr.svg"), at(upload, "preview"), at(upload, "download")):
        response = Client().get(path, headers=BROWSER)
        assert response.status_code == 410
        assert "All its downloads were taken." in page(response)
        assert "a.txt" not in page(response)
    told = Client().post(at(upload, "download"), headers=JSON)
    assert (told.status_code, told.json()["error"]["code"]) == (410, "gone")
    assert body_of(fetch(link)) == b"hello"
    assert browser.get(at(upload)).status_code == 200  # the one who took it
    assert row(upload).ended == End.TAKEN


def test_the_owners_card_and_page_show_the_protection(owner):
    upload = owner.upload(b"hello", downloads=3, password=PASSWORD)
    Client().post(at(upload, "download"), {"password": PASSWORD})
    for path in ("/files/", at(upload)):
        text = page(owner.browser.get(path))
        assert "With a password" in text
        assert "1 of 3 downloads taken" in text
        assert PASSWORD not in text
        assert row(upload).password not in text


def test_a_form_protects_its_files_with_one_hash(owner, monkeypatch):
    made = []
    monkeypatch.setattr(guarded, "hashed", lambda text: made.append(text) or "a hash")
    files = [SimpleUploadedFile(f"{number}.txt", b"x") for number in range(3)]
    form = {"file": files, "password": f" {PASSWORD}", "downloads": "2"}
    assert owner.browser.post("/files/", form).status_code == 303
    assert set(Upload.objects.values_list("password", "downloads_most")) == {("a hash", 2)}
    assert made == [f" {PASSWORD}"]


@pytest.mark.parametrize(
    ("field", "value"), [("password", "x" * 201), ("downloads", "0"), ("downloads", "101"), ("downloads", "a")]
)
def test_a_form_with_a_wrong_protection_is_refused(owner, field, value):
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x"), field: value})
    assert response.status_code == 422
    assert not Upload.objects.live().exists()


def test_the_last_choice_of_a_form_takes_the_number_beside_it(owner):
    def send(number: str):
        form = {"file": SimpleUploadedFile("a.txt", b"x"), "downloads": "other", "downloads_other": number}
        return owner.browser.post("/files/", form | {"password": PASSWORD})

    for wrong in ("", "0", "101"):
        response = send(wrong)
        assert response.status_code == 422
        text = page(response)
        assert '<details class="more" open>' in text
        assert f'name="downloads_other" value="{wrong}"' in text
        assert PASSWORD not in text
    assert send("7").status_code == 303
    assert Upload.objects.get().downloads_most == 7


def test_curl_protects_by_headers():
    headers = {"X-Password": PASSWORD.encode().decode("latin-1"), "X-Downloads": "2"}
    link = page(Client().put("/a.txt", b"hello", headers=headers)).strip().removeprefix("http://testserver")
    assert Upload.objects.get().downloads_most == 2
    assert Client().post(f"{link}download", {"password": PASSWORD}).status_code == 303
    for wrong in ({"X-Downloads": "x"}, {"X-Password": "x" * 201}, {"X-Password": "\xff"}):
        assert Client().put("/a.txt", b"hello", headers=wrong).status_code == 400


def test_the_owner_changes_and_removes_the_protection(owner, locked):
    path = f"/api/uploads/{locked['id']}"
    assert (locked["password"], locked["downloads"]) == (True, None)
    browser = Client()
    unlock(browser, locked)
    changed = owner.request("PATCH", path, {"password": "another", "downloads": 2}).json()
    assert (changed["password"], changed["downloads"]) == (True, {"most": 2, "taken": 0})
    assert "a.txt" not in page(browser.get(at(locked)))  # the old password's pass has ended
    assert Client().post(at(locked, "download"), {"password": "another"}).status_code == 303
    refused = owner.request("PATCH", path, {"downloads": 1})
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "downloads")
    assert owner.request("PATCH", path, {"title": "new"}).json()["downloads"] == {"most": 2, "taken": 1}
    changed = owner.request("PATCH", path, {"password": "", "downloads": 0}).json()
    assert (changed["password"], changed["downloads"]) == (False, None)
    assert Client().get(at(locked, "download")).status_code == 302


def test_an_upload_whose_downloads_are_taken_is_kept_no_longer(owner):
    upload = owner.upload(b"hello", downloads=1)
    Client().post(at(upload, "download"))
    before = row(upload).expires_at
    assert "/keep" not in page(owner.browser.get("/files/")) + page(owner.browser.get(at(upload)))
    assert owner.request("PATCH", f"/api/uploads/{upload['id']}", {"lifetime": 3600}).status_code == 410
    owner.browser.post(at(upload, "keep"))
    assert row(upload).expires_at == before


def test_a_shared_box_takes_no_protection(owner, settings):
    settings.SHARED_BOX = True
    for choice in ({"password": "x"}, {"downloads": 1}):
        response = owner.post("/api/uploads", {"kind": "file", "name": "a", "size": 1} | choice)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "shared_box")
