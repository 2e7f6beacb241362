"""The site's address in links, and requests from pages of another one."""

import json

import pytest
from django.test import Client

from mayfly.visitors import boxes

SITE = "https://drop.example.org"

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings) -> None:
    """The settings that follow from SITE_URL."""
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["drop.example.org", "127.0.0.1", "localhost"]
    settings.CSRF_TRUSTED_ORIGINS = [SITE]


@pytest.fixture
def browser(owner) -> Client:
    """The owner's browser, whose Host a proxy has replaced by that of the next server."""
    browser = Client(enforce_csrf_checks=True, SERVER_NAME="127.0.0.1")
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    return browser


def test_every_link_has_the_address_of_the_site(site, owner, browser):
    box = {"X-Box-Token": boxes.token_of(owner.box)}
    line = browser.put("/a.txt", b"hello", "text/plain", headers=box).content.decode()
    assert line.startswith(f"{SITE}/u/")
    link = line.strip()
    [shown] = browser.get("/api/uploads").json()["uploads"]
    assert (shown["link"], shown["download"]) == (link, f"{link}download")
    assert link in browser.get("/files/").content.decode()


def test_pages_of_the_site_send_forms_and_api_calls(site, owner, browser):
    """The proxy in front passed on another Host, and by HTTP."""
    browser.get("/files/")
    token = browser.cookies["csrftoken"].value
    form = browser.post("/files/clear/", {"csrfmiddlewaretoken": token}, headers={"Origin": SITE})
    assert form.status_code == 303
    body = json.dumps({"kind": "file", "name": "a.txt", "size": 1})
    headers = {"Origin": SITE, "X-CSRFToken": token}
    assert browser.post("/api/uploads", body, "application/json", headers=headers).status_code == 201


@pytest.mark.parametrize("origin", ["http://drop.example.org", "https://evil.example", "null"])
def test_a_wrong_origin_is_told_the_one_expected(site, owner, browser, origin):
    """Case 89."""
    browser.get("/files/")
    token = browser.cookies["csrftoken"].value
    page = browser.post("/files/clear/", {"csrfmiddlewaretoken": token}, headers={"Origin": origin})
    body = json.dumps({"kind": "file", "name": "a.txt", "size": 1})
    api = browser.post("/api/uploads", body, "application/json", headers={"Origin": origin, "X-CSRFToken": token})
    error = api.json()["error"]
    assert (page.status_code, api.status_code, error["code"]) == (403, 403, "wrong_origin")
    for text in (page.content.decode(), error["message"]):
        assert f"from pages of {SITE} only" in text
        assert "cookies" not in text
        assert "evil" not in text


def test_without_a_known_address_the_one_of_the_request_is_expected(owner, browser):
    """A proxy ends TLS, and the operator has set neither SITE_URL nor TRUSTED_PROXIES."""
    browser.get("/files/")
    token = browser.cookies["csrftoken"].value
    headers = {"Origin": "https://127.0.0.1"}
    said = browser.post("/files/clear/", {"csrfmiddlewaretoken": token}, headers=headers).content.decode()
    assert "from pages of http://127.0.0.1 only" in said
    assert "SITE_URL" in said


def test_a_missing_token_still_speaks_of_cookies(site, browser):
    said = browser.post("/files/clear/", headers={"Origin": SITE}).content.decode()
    assert "with cookies allowed" in said


@pytest.fixture
def redirecting(settings) -> None:
    """Production redirects to HTTPS."""
    settings.MIDDLEWARE = ["mayfly.pages.proxies.Unknown", *settings.MIDDLEWARE]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^health/"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def test_a_proxy_without_trust_is_named_instead_of_a_redirect_loop(site, redirecting, browser):
    response = browser.get("/files/", headers={"X-Forwarded-Proto": "http", "X-Unknown-Proxy": "172.18.0.1"})
    assert response.status_code == 403
    assert "172.18.0.1" in response.content.decode()
    assert "TRUSTED_PROXIES" in response.content.decode()
    assert browser.get("/health/live", headers={"X-Unknown-Proxy": "172.18.0.1"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 301),
        ({"X-Unknown-Proxy": "<b>elsewhere</b>"}, 301),
        ({"X-Unknown-Proxy": "172.18.0.1", "X-Forwarded-Proto": "https"}, 200),
    ],
)
def test_other_requests_are_redirected_or_answered_as_ever(site, redirecting, browser, headers, status):
    assert browser.get("/files/", headers=headers).status_code == status
