"""Passwords and limits on downloads: no route gets around them, and no robot uses them up."""

import logging
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client

from mayfly.uploads import passwords, tasks
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.visitors import guesses, passes
from mayfly.visitors.models import Guesses
from mayfly.visitors.tokens import Token

from ...support.people import Person, body_of
from ...support.robots import ROBOTS
from ...support.routes import METHODS, SECRET, address, ask, assert_nothing_of_it, routes_for

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "open sesame"
CONTENT = SECRET.encode() + bytes(54_311)
# The size in words and in figures, the addresses of what shows it, and a signed address of either storage.
TRACES = ("54.3 KB", "54321", "qr.svg", 'src="/u/', "/storage/", "X-Amz-Signature", 'class="icon"')


def guarded(owner: Person, **choices: object) -> dict:
    upload = owner.upload(CONTENT, name=f"{SECRET}.txt", title=SECRET, **choices)
    Upload.objects.filter(pk=upload["id"]).update(has_preview=True, has_lines=True)
    return upload


def try_password(upload: dict, typed: str = "wrong", *, origin: str = "203.0.113.7"):
    return Client(REMOTE_ADDR=origin).post(f"/u/{upload['id']}/download", {"password": typed})


@pytest.fixture
def beating():
    """Beat and the sweep have run, so that no health page answers 503."""
    tasks.sweep(from_beat=True)


@pytest.mark.parametrize("method", METHODS)
def test_no_route_shows_a_stranger_anything_of_a_locked_upload(owner, stranger, beating, method):
    """Cases 32, 95: by any method, on any route, with a box or without one, for a person or a program."""
    upload = guarded(owner, password=PASSWORD)
    for route in routes_for(method):
        path = address(route, upload["id"])
        for accept in ("text/html", "application/json", "*/*") if "{upload_id}" in route else ("text/html",):
            for client, more in ((stranger.browser, {}), (Client(), stranger.headers)):
                response = ask(client, method, path, headers={"Accept": accept, **more})
                assert_nothing_of_it(response, f"{method} {path}")
                if "{upload_id}" in route:
                    everything = body_of(response).decode() + str(response.headers)
                    assert not [trace for trace in TRACES if trace in everything], f"{method} {path}"
                    assert upload["code"] not in everything.replace(" ", "-"), f"{method} {path}"
    assert Upload.objects.get(pk=upload["id"]).state == "ready"


def test_a_code_leads_to_the_password_and_no_further(owner):
    """Cases 32, 95."""
    upload = guarded(owner, password=PASSWORD)
    response = Client().post("/code/", {"code": upload["code"]}, follow=True)
    assert response.redirect_chain == [(f"/u/{upload['id']}/", 303)]
    assert_nothing_of_it(response, "/code/")
    assert 'name="password"' in response.content.decode()


def test_no_forged_pass_opens_a_locked_upload(owner):
    """Case 95: neither the pass of another upload, nor one of another password, nor a cookie of nonsense."""
    upload, other = guarded(owner, password=PASSWORD), guarded(owner, password=PASSWORD)
    browser = Client()
    browser.post(f"/u/{other['id']}/open", {"password": PASSWORD})
    genuine = browser.cookies[passes.PASSES].value
    for value in (genuine.replace(other["id"], upload["id"]), upload["id"] + "0" * 22, "x" * 4000, "", genuine * 9):
        client = Client()
        client.cookies[passes.PASSES] = value
        assert_nothing_of_it(client.get(f"/u/{upload['id']}/"), value)
        client.cookies[passes.TAKEN] = value
        assert_nothing_of_it(client.post(f"/u/{upload['id']}/download"), value)


def test_a_token_that_only_sends_opens_no_locked_upload(owner):
    """Case 95: it is in scripts on machines that others use."""
    upload = guarded(owner, password=PASSWORD, downloads=1)
    headers = {"Authorization": f"Bearer {Token(owner.box, sender=new_id()).signed()}"}
    for route in ("", "download", "preview", "qr.svg"):
        assert_nothing_of_it(Client().get(f"/u/{upload['id']}/{route}", headers=headers), route)
    assert Client().post(f"/u/{upload['id']}/download", {"password": PASSWORD}, headers=headers).status_code == 303
    assert Upload.objects.get().downloads_taken == 1


def test_passes_do_not_pile_up_in_a_browser(owner):
    """Case 95: a cookie stays small, because a request with large headers is refused."""
    browser = Client()
    uploads = [guarded(owner, password=PASSWORD) for _ in range(3)]
    for upload in uploads:
        browser.post(f"/u/{upload['id']}/open", {"password": PASSWORD})
    assert len(browser.cookies[passes.PASSES].value) == 3 * 45 - 1
    for _ in range(2):  # the first time there is room for two, then the oldest one is typed again
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(passes, "MOST_PASSES", 2)
            browser.post(f"/u/{uploads[0]['id']}/open", {"password": PASSWORD})
    assert len(browser.cookies[passes.PASSES].value) <= 3 * 45 - 1


def test_a_password_is_kept_as_a_hash_and_written_nowhere_else(owner, caplog):
    """Case 95: neither in the log, nor in an error, nor in the admin."""
    caplog.set_level(logging.DEBUG)
    upload = guarded(owner, password=PASSWORD)
    row = Upload.objects.get()
    assert row.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    said = [try_password(upload, PASSWORD + "!").content, owner.post("/api/uploads", {"password": PASSWORD}).content]
    admin = Client()
    admin.force_login(User.objects.create_superuser("operator"))
    said += [admin.get("/admin/uploads/upload/").content]
    said += [admin.get(f"/admin/uploads/upload/{upload['id']}/change/").content]
    said += [caplog.text.encode(), repr(row).encode(), str(owner.list()).encode()]
    for text in said:
        assert PASSWORD.encode() not in text
        assert row.password.encode() not in text


def test_an_operator_sees_the_picture_of_a_locked_upload(owner):
    """Cases 93, 95: to judge a report. Another account of the admin, and the page of the upload, show nothing."""
    upload = guarded(owner, password=PASSWORD, downloads=1)
    operator, other = Client(), Client()
    operator.force_login(User.objects.create_superuser("operator"))
    other.force_login(User.objects.create_user("other", is_staff=True))
    statuses = [client.get(f"/u/{upload['id']}/preview").status_code for client in (operator, other)]
    assert statuses == [302, 303]
    assert_nothing_of_it(operator.get(f"/u/{upload['id']}/"), "/u/")


def test_guesses_at_an_upload_wait_longer_and_longer(owner):
    """Cases 38, 96: after some free ones, each waits twice as long as the one before it."""
    upload = guarded(owner, password=PASSWORD)
    statuses = [try_password(upload).status_code for _ in range(guesses.FREE_FROM_ADDRESS)]
    assert set(statuses) == {403}
    waits = []
    for _ in range(12):
        refused = try_password(upload, PASSWORD)
        assert refused.status_code == 429
        waits.append(int(refused["Retry-After"]))
        Guesses.objects.update(ends_at=F("ends_at") - timedelta(seconds=waits[-1]))
        assert try_password(upload).status_code == 403
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_a_guess_that_has_to_wait_is_not_hashed(owner, monkeypatch):
    """Case 96: no right password is let through, because nothing looks at it."""
    upload = guarded(owner, password=PASSWORD)
    for _ in range(guesses.FREE_FROM_ADDRESS):
        try_password(upload)
    monkeypatch.setattr(passwords, "_hasher", None)
    assert try_password(upload, PASSWORD).status_code == 429


def test_many_addresses_guess_no_faster_at_one_upload(owner, monkeypatch):
    """Cases 38, 96: and its recipients wait for a minute at most, whatever others do."""
    upload = guarded(owner, password=PASSWORD)
    monkeypatch.setattr("mayfly.visitors.unlocking.is_right", lambda *_: False)
    for number in range(guesses.FREE_AT_UPLOAD + 7):
        Guesses.objects.update(ends_at=F("ends_at") - guesses.LONGEST_AT_UPLOAD)
        assert try_password(upload, origin=f"198.51.100.{number}").status_code == 403
    refused = try_password(upload, PASSWORD, origin="192.0.2.1")
    assert refused.status_code == 429
    assert 59 <= int(refused["Retry-After"]) <= 60
    other = guarded(owner, password=PASSWORD)
    assert try_password(other, origin="192.0.2.1").status_code == 403


def test_right_passwords_are_no_guesses(owner):
    """Case 96: a class behind one address opens the same link."""
    upload = guarded(owner, password=PASSWORD)
    for _ in range(2 * guesses.FREE_FROM_ADDRESS):
        assert try_password(upload, PASSWORD).status_code == 303


def test_passwords_are_hashed_one_at_a_time(owner, monkeypatch):
    """Case 96: so that their memory is that of one. A caller who would wait for long comes again."""
    upload = guarded(owner, password=PASSWORD)
    monkeypatch.setattr(passwords, "PATIENCE", 0)
    monkeypatch.setattr(passwords, "_turn", threading.Lock())
    with passwords._turn:
        for response in (
            try_password(upload, PASSWORD),
            owner.post("/api/uploads", {"kind": "file", "name": "a", "size": 1, "password": "x"}),
            Client().put("/a.txt", b"x", headers={"X-Password": "x"}),
        ):
            assert response.status_code == 503
            assert response["Retry-After"] == "2"
    assert try_password(upload, PASSWORD).status_code == 303


def test_no_robot_takes_a_download(owner):
    """Cases 35, 97: HEAD, Range, prefetch and link previews leave the one download to a person."""
    upload = guarded(owner, downloads=1)
    for headers in ROBOTS:
        for method in ("GET", "HEAD", "OPTIONS"):
            for path in ("", "download", "preview", "qr.svg", "open"):
                response = Client().generic(method, f"/u/{upload['id']}/{path}", headers=headers)
                assert response.status_code < 500
                assert "/storage/" not in response.get("Location", "")
                assert "X-Amz-Signature" not in response.get("Location", "")
    assert (Upload.objects.get().downloads_taken, Upload.objects.get().fetched_count) == (0, 0)
    assert Client().post(f"/u/{upload['id']}/download").status_code == 303


def test_no_route_gives_the_contents_of_a_limited_upload_uncounted(owner, stranger):
    """Cases 32, 97: neither its first lines, nor its picture, nor its bytes."""
    upload = guarded(owner, downloads=1)
    for method in METHODS:
        for route in routes_for(method):
            if method == "POST" and route == "/u/{upload_id}/download":
                continue
            for client in (stranger.browser, Client()):
                response = ask(client, method, address(route, upload["id"]))
                assert CONTENT not in body_of(response), f"{method} {route}"
                assert "/storage/" not in response.get("Location", ""), f"{method} {route}"
                assert "X-Amz-Signature" not in response.get("Location", ""), f"{method} {route}"
    assert Upload.objects.get(pk=upload["id"]).downloads_taken == 0
