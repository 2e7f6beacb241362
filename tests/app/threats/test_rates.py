"""Floods of requests from one client: each edge answers 429 in its own form, and says when to come again."""

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import gettext, override

from mayfly.problems import TABLE
from mayfly.uploads.models import Upload
from mayfly.visitors import rates

from ...support.people import Person

pytestmark = pytest.mark.django_db(transaction=True)

LANGUAGES = ["en", "pt-br", "es"]


@pytest.fixture(autouse=True)
def two_of_each(settings, monkeypatch) -> None:
    """Two requests of each sort, and then none for a minute."""
    settings.RATES = dict.fromkeys(rates.Rate, (1, 0))
    monkeypatch.setattr(rates, "BURST_MINUTES", 2)
    settings.REDIS_URL = ""
    monkeypatch.setattr(rates, "_own", rates._OwnBuckets())


def title_in(language: str) -> str:
    with override(language):
        return gettext(TABLE["too_many"].title)


def check(response, language: str = "en") -> None:
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    text = response.content.decode()
    if response["Content-Type"] == "application/json":
        text = response.json()["error"]["message"]
    assert title_in(language) in text
    assert f"{response['Retry-After']} s" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_flood_of_begins_gets_429_in_json(language):
    """Case 66."""
    for _ in range(2):
        Person().begin()
    headers = Person().headers | {"Accept-Language": language}
    body = {"kind": "file", "name": "a", "size": 1}
    response = Client().post("/api/uploads", body, "application/json", headers=headers)
    assert response.json()["error"]["code"] == "too_many"
    check(response, language)
    assert Upload.objects.count() == 2


def test_a_flood_of_one_box_gets_429_from_any_address(settings):
    """Case 66."""
    settings.RATES["uploads"] = (0, 1)
    owner = Person()
    for _ in range(2):
        owner.begin()
    check(owner.post("/api/uploads", {"kind": "file", "name": "a", "size": 1}))
    Person().begin()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_flood_by_curl_gets_429_in_a_line(language):
    """Case 66."""
    for _ in range(2):
        assert Client().put("/a.txt", b"hello").status_code == 201
    response = Client().put("/a.txt", b"hello", headers={"Accept-Language": language})
    check(response, language)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.count(b"\n") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_flood_by_form_gets_429_on_the_page(owner, language):
    """Case 66: each file of a form counts."""
    files = [SimpleUploadedFile(f"{number}.txt", b"x") for number in range(3)]
    response = owner.browser.post("/files/", {"file": files}, headers={"Accept-Language": language})
    check(response, language)
    assert Upload.objects.live().count() == 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["download", "qr.svg"])
def test_a_flood_of_downloads_or_codes_gets_429_as_a_page(owner, path, language):
    """Case 66."""
    link = f"/u/{owner.upload()['id']}/{path}"
    for _ in range(2):
        assert Client().get(link).status_code in (200, 302)
    check(Client().get(link, headers={"Accept-Language": language}), language)


@pytest.mark.parametrize("path", ["download", "open"])
def test_a_flood_of_right_passwords_gets_429(owner, path):
    """Case 66: each costs a hash."""
    link = f"/u/{owner.upload(password='secret')['id']}/{path}"
    for _ in range(2):
        assert Client().post(link, {"password": "secret"}).status_code == 303
    check(Client().post(link, {"password": "secret"}))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_flood_of_changes_gets_429_from_the_page_and_the_api(owner, language):
    """Case 66."""
    upload = owner.upload()
    path = f"/api/uploads/{upload['id']}"
    assert owner.request("PATCH", path, {"title": "new"}).status_code == 200
    assert owner.browser.post(f"/u/{upload['id']}/keep").status_code == 303
    headers = {"Accept-Language": language}
    check(owner.browser.post(f"/u/{upload['id']}/keep", headers=headers), language)
    headers |= owner.headers
    check(Client().patch(path, {"title": "newer"}, "application/json", headers=headers), language)
    assert Upload.objects.get().title == "new"


def test_a_flood_of_language_changes_gets_429():
    """Case 66."""
    for _ in range(2):
        assert Client().post("/language/", {"language": "es"}).status_code == 302
    check(Client().post("/language/", {"language": "es"}))


def test_a_flood_of_guesses_at_the_admins_door_gets_429():
    """Case 66: a right password is not even looked at."""
    get_user_model().objects.create_superuser("admin", password="correct")
    for _ in range(2):
        assert Client().post("/admin/login/", {"username": "admin", "password": "wrong"}).status_code == 200
    check(Client().post("/admin/login/", {"username": "admin", "password": "correct"}))
    assert Client().get("/admin/login/").status_code == 200


def test_pages_are_not_counted(owner, monkeypatch):
    """Case 66: a page costs nothing more than before."""
    link = f"/u/{owner.upload()['id']}/"
    monkeypatch.setattr(rates, "_take_shared", lambda buckets: pytest.fail("counted"))
    for path in ("/images/", "/files/", link, "/health/live", "/api/uploads"):
        assert owner.browser.get(path).status_code == 200


def test_a_forged_address_evades_no_rate(settings):
    """Case 67: the router's entry counts, however it is written."""
    settings.TRUST_PROXY = True
    settings.RATES["uploads"] = (1, 0)
    ways = ["198.51.100.1, 203.0.113.7", "203.0.113.7:4711", "198.51.100.2, 203.0.113.7:80", "203.0.113.7"]
    statuses = []
    for forwarded in ways:
        statuses.append(Client().put("/a.txt", b"x", headers={"X-Forwarded-For": forwarded}).status_code)
    assert statuses == [201, 201, 429, 429]


def test_requests_without_a_readable_address_share_one_limit(settings):
    """Case 67."""
    settings.TRUST_PROXY = True
    settings.RATES["uploads"] = (1, 0)
    statuses = []
    for forwarded in ("unknown", "_a", "x:y", ""):
        statuses.append(Client().put("/a.txt", b"x", headers={"X-Forwarded-For": forwarded}).status_code)
    assert statuses == [201, 201, 429, 429]


def test_a_refused_client_may_still_delete_its_uploads(owner):
    """Case 66: limits bar nothing that frees what they protect."""
    upload = owner.upload()
    owner.begin()
    check(owner.post("/api/uploads", {"kind": "file", "name": "a", "size": 1}))
    assert owner.delete(f"/api/uploads/{upload['id']}").status_code == 204
    assert owner.delete("/api/uploads").status_code == 204
