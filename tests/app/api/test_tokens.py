"""The tokens of a box: a new one ends all others, and one that may only send does nothing else."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mayfly.api.document import OPERATIONS
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes, cookies, renewals
from mayfly.visitors.models import Renewal
from mayfly.visitors.tokens import AGE, Token

from ...support.people import Person

pytestmark = pytest.mark.django_db

LIST = "/api/uploads"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def status(token: str) -> int:
    return Client().get(LIST, headers=bearer(token)).status_code


def renew(token: str) -> str:
    response = Client().generic("POST", "/api/box/token", headers=bearer(token))
    assert response.status_code == 201, response.content
    return response.json()["token"]


def sending(token: str) -> str:
    response = Client().post("/api/box/token", {"scope": "upload"}, "application/json", headers=bearer(token))
    assert response.status_code == 201, response.content
    assert response.json()["scope"] == "upload"
    return response.json()["token"]


class Sender(Person):
    """Calls the API with this token."""

    def __init__(self, token: str):
        super().__init__()
        self.token = token

    @property
    def transport(self):
        made = super().transport
        made.headers = bearer(self.token)
        return made


# new tokens


def test_a_new_token_ends_all_earlier_ones_at_once(owner):
    """Cases 41 and 104."""
    upload = owner.upload()
    first = boxes.token_of(owner.box)
    again = Token(owner.box).signed()
    only_sends = sending(first)
    second = renew(first)
    assert [status(token) for token in (first, again, second)] == [401, 401, 200]
    assert Client().generic("POST", LIST, headers=bearer(only_sends)).status_code == 401
    assert Client().put("/a.txt", b"hello", headers={"X-Box-Token": first}).status_code == 401
    third = renew(second)
    assert [status(token) for token in (first, second, third)] == [401, 401, 200]
    assert [found["id"] for found in Client().get(LIST, headers=bearer(third)).json()["uploads"]] == [upload["id"]]


def test_a_new_token_ends_every_cookie_of_the_box(owner):
    """Cases 41 and 104."""
    name = owner.upload()["name"]
    browser = owner.browser
    renew(boxes.token_of(owner.box))
    wish = {"kind": "file", "name": "a", "size": 1}
    assert browser.post(LIST, wish, "application/json").status_code == 401
    assert browser.delete(LIST).status_code == 401
    page = browser.get("/files/")
    assert name not in page.content.decode()
    assert boxes.from_cookie(page.wsgi_request) is None
    assert browser.post(LIST, wish, "application/json").status_code == 201  # into the box that the page has made
    assert Upload.objects.of(owner.box).live().exists()


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}])
def test_a_late_read_of_another_tab_does_not_take_the_new_cookie_away(owner, headers):
    upload = owner.upload()
    browser, other_tab = owner.browser, owner.browser
    browser.post("/forget/others/")
    assert boxes.COOKIE not in other_tab.get("/files/", headers=headers).cookies
    assert upload["name"] in browser.get("/files/").content.decode()


def test_a_token_of_version_0_1_ends_as_well(owner):
    from django.core.signing import Signer

    old = Signer(salt="mayfly.box").sign(owner.box)
    assert status(old) == 200
    renew(boxes.token_of(owner.box))
    assert status(old) == 401


def test_a_new_token_by_the_cookie_becomes_the_cookie(owner):
    upload = owner.upload()
    browser, elsewhere = owner.browser, owner.browser
    response = browser.generic("POST", "/api/box/token")
    assert response.json() == {"token": None, "scope": "all"}  # no script of a page reads it
    assert response.cookies[boxes.COOKIE]["httponly"]
    assert [found["id"] for found in browser.get(LIST).json()["uploads"]] == [upload["id"]]
    assert elsewhere.get(LIST).status_code == 401
    page = browser.get("/files/")
    assert boxes.COOKIE not in page.cookies  # it is fresh


def test_another_site_cannot_end_a_visitors_tokens(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    assert browser.generic("POST", "/api/box/token").status_code == 403
    assert status(boxes.token_of(owner.box)) == 200


def test_curl_gets_a_token_that_counts_after_a_new_one(owner):
    token = renew(boxes.token_of(owner.box))
    response = Client().put("/a.txt", b"hello", headers={"X-Box-Token": token})
    assert response.status_code == 201
    assert [
        found["name"] for found in Client().get(LIST, headers=bearer(response["X-Box-Token"])).json()["uploads"]
    ] == ["a.txt"]


def test_a_renewed_token_keeps_its_generation_and_scope(owner, monkeypatch):
    from django.core import signing

    token = renew(boxes.token_of(owner.box))
    only_sends = sending(token)
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 2 * 24 * 3600)
    for old in (token, only_sends):
        begun = Sender(old).begin()
        assert begun["box"] not in (None, old)
        made = Sender(begun["box"]).begin()
        assert Upload.objects.get(pk=made["id"]).box == owner.box
    assert Client().get(LIST, headers=bearer(begun["box"])).status_code == 403


def test_a_repeated_first_call_gives_no_token_that_was_ended(owner):
    """Case 104."""
    headers = {"Idempotency-Key": "x" * 30}
    wish = {"kind": "file", "name": "a", "size": 1}
    token = Client().post(LIST, wish, "application/json", headers=headers).json()["box"]
    assert Client().post(LIST, wish, "application/json", headers=headers).status_code == 201
    renew(token)
    assert Client().post(LIST, wish, "application/json", headers=headers).status_code == 401


def test_the_table_of_renewals_is_read_by_its_key_and_purged(owner):
    token = boxes.token_of(owner.box)
    for _ in range(3):
        token = renew(token)
    assert Renewal.objects.count() == 1
    with CaptureQueriesContext(
        connection,
    ) as queries:
        status(token)
    [asked] = [query["sql"] for query in queries if "visitors_renewal" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + asked)
        assert "autoindex" in str(cursor.fetchall()) or connection.vendor == "postgresql"
    kept = Renewal.objects.get()
    assert kept.ends_at > timezone.now() + timedelta(seconds=AGE)  # older tokens are too old by then
    assert kept.ends_at > cookies.OLD_FORMS_UNTIL
    Renewal.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    renewals.renew(new_id())
    assert not Renewal.objects.filter(pk=owner.box).exists()
    assert status(token) == 200


def test_the_box_that_all_share_has_no_new_tokens(owner, settings):
    settings.SHARED_BOX = True
    for scope in ("all", "upload"):
        answer = owner.post("/api/box/token", {"scope": scope})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "shared_box")
    assert not Renewal.objects.exists()


def test_new_tokens_are_limited(owner, settings):
    settings.RATES = settings.RATES | {"tokens": (1, 0)}
    answers = [owner.post("/api/box/token", {"scope": "upload"}).status_code for _ in range(12)]
    assert answers.count(429) >= 1


# tokens that only send


def test_a_token_that_only_sends_sends_a_whole_upload(owner):
    """Case 104."""
    sender = Sender(sending(boxes.token_of(owner.box)))
    upload = sender.begin(b"hello")
    assert upload["box"] is None
    sender.send_parts(upload, b"hello")
    assert sender.get(f"/api/uploads/{upload['id']}/parts").status_code == 200
    assert sender.complete(upload).json()["state"] == "ready"
    assert [found["id"] for found in owner.list()] == [upload["id"]]
    response = Client().put("/b.txt", b"hello", headers={"X-Box-Token": sender.token})
    assert response.status_code == 201
    assert len(owner.list()) == 2
    assert Client().get(LIST, headers=bearer(response["X-Box-Token"])).status_code == 403  # it gives no other token


SENDS = {
    "POST /api/uploads",
    "POST /api/uploads/{upload_id}/parts",
    "GET /api/uploads/{upload_id}/parts",
    "POST /api/uploads/{upload_id}/complete",
    "GET /api/uploads/{upload_id}",
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_a_token_that_only_sends_is_refused_by_every_other_route(owner, name, whose):
    """Case 104: for each route of the API, with an upload that it began, and with another of the box."""
    sender = Sender(sending(boxes.token_of(owner.box)))
    upload = (sender if whose == "its own" else owner).begin(b"hello")
    owner.send_parts(upload, b"hello")
    before = Upload.objects.filter(pk=upload["id"]).values().get()
    method, path = re.sub(r"{\w+_id}", upload["id"], name).split(" ")
    body = OPERATIONS[name].works.body or ({} if method == "POST" else None)
    answer = sender.request(method, path, body)
    if name not in SENDS:
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "only_sends")
    elif "{upload_id}" in name and whose == "another's":
        assert answer.status_code == 404
    else:
        assert answer.status_code in (200, 201)
    if name not in SENDS or whose == "another's":
        assert Upload.objects.filter(pk=upload["id"]).values().get() == before


def test_a_token_that_only_sends_learns_nothing_of_a_ready_upload(owner):
    """Case 104: its link is known to people, and the count of its fetches to its owner alone."""
    sender = Sender(sending(boxes.token_of(owner.box)))
    upload = owner.upload()
    assert sender.complete(upload).status_code == 404
    assert sender.get(f"/api/uploads/{upload['id']}").status_code == 404


def test_a_token_that_only_sends_is_no_cookie(owner):
    """Case 104."""
    upload = owner.upload()
    browser = Client()
    browser.cookies[boxes.COOKIE] = sending(boxes.token_of(owner.box))
    assert upload["name"] not in browser.get("/files/").content.decode()
    browser.post(f"/u/{upload['id']}/delete")
    assert Upload.objects.live().filter(pk=upload["id"]).exists()


def test_a_token_that_only_sends_does_not_pass_the_gate(owner):
    """Case 104: what a password keeps from others, it keeps from this token too."""
    upload = owner.upload(name="diary.txt", password="a song")
    only_sends = sending(boxes.token_of(owner.box))
    shown = Client().get(f"/u/{upload['id']}/", headers=bearer(only_sends))
    assert "diary.txt" not in shown.content.decode()
    assert "diary.txt" in Client().get(f"/u/{upload['id']}/", headers=owner.headers).content.decode()


def test_a_fetch_with_a_token_that_only_sends_is_not_the_owners(owner):
    upload = owner.upload()
    only_sends = sending(boxes.token_of(owner.box))
    Client().get(f"/u/{upload['id']}/download", headers=bearer(only_sends))
    assert Upload.objects.get(pk=upload["id"]).fetched_count == 1
