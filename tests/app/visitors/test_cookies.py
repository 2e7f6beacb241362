"""Cookies behind TLS, where a neighbour on the same domain could set some too."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from mayfly.uploads.models import Upload
from mayfly.visitors import boxes, cookies

from ...support.configuration import PRODUCTION, show

pytestmark = pytest.mark.django_db
NAMES = ("COOKIE_PREFIX", "CSRF_COOKIE_NAME", "SESSION_COOKIE_NAME")


@pytest.fixture(autouse=True)
def behind_tls(settings, monkeypatch) -> None:
    """The cookies of the production settings, and a clock within the time in which the old names count."""
    settings.COOKIE_PREFIX, settings.CSRF_COOKIE_NAME, settings.SESSION_COOKIE_NAME = (
        "__Host-",
        "__Host-csrftoken",
        "__Host-sessionid",
    )
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.MIDDLEWARE = ["mayfly.visitors.cookies.OldNames", *settings.MIDDLEWARE]
    monkeypatch.setattr(cookies, "OLD_FORMS_UNTIL", timezone.now() + timedelta(minutes=1))


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


def clear(browser: Client, **sent: str) -> int:
    """POST the form that clears the files, with the token of `csrftoken` and these cookies only. Returns the status."""
    token = next(value for name, value in sent.items() if name.endswith("csrftoken"))
    browser.cookies.clear()
    for name, value in sent.items():
        browser.cookies[name] = value
    headers = {"Referer": "https://testserver/files/"}
    return browser.post("/files/clear/", {"csrfmiddlewaretoken": token}, secure=True, headers=headers).status_code


def test_production_names_its_cookies_for_one_host_alone():
    """Case 70: and plain HTTP, where a browser would refuse such a name, does not."""
    assert show(*NAMES, **PRODUCTION) == ["__Host-", "__Host-csrftoken", "__Host-sessionid"]
    assert show(*NAMES, SECRET_KEY="x") == ["", "csrftoken", "sessionid"]
    rules = [f"{cookie}_COOKIE_{rule}" for cookie in ("CSRF", "SESSION") for rule in ("SECURE", "PATH", "DOMAIN")]
    assert show(*rules, **PRODUCTION) == ["True", "/", "None"] * 2
    [middleware] = show("MIDDLEWARE", **PRODUCTION)
    assert "mayfly.visitors.cookies.OldNames" in middleware


def test_every_cookie_of_a_visitor_is_for_one_host_alone(browser):
    """Case 70: a browser takes such a name only with Secure and Path=/, and without Domain."""
    browser.get("/files/", secure=True)
    assert {name.removeprefix("__Host-") for name in browser.cookies} == {"box", "csrftoken"}
    for name in ("__Host-box", "__Host-csrftoken"):
        morsel = browser.cookies[name]
        assert (morsel["secure"], morsel["path"], morsel["domain"]) == (True, "/", "")


def test_a_planted_cookie_does_not_count_beside_ones_own(browser, owner, stranger):
    """Case 70: a neighbour can set the name without the prefix only."""
    upload = owner.upload()
    browser.cookies["__Host-box"] = boxes.token_of(owner.box)
    browser.cookies["box"] = boxes.token_of(stranger.box)
    assert upload["name"] in browser.get("/files/", secure=True).content.decode()


def test_a_cookie_of_the_old_name_opens_its_box_and_is_renewed(browser, owner):
    upload = owner.upload()
    browser.cookies["box"] = boxes.token_of(owner.box)
    response = browser.get("/files/", secure=True)
    assert upload["name"] in response.content.decode()
    fresh = response.cookies["__Host-box"].value
    browser.cookies.clear()
    browser.cookies["__Host-box"] = fresh
    response = browser.get("/files/", secure=True)
    assert upload["name"] in response.content.decode()
    assert "__Host-box" not in response.cookies  # one is enough


def test_a_form_that_was_open_during_an_update_is_still_accepted(browser, owner):
    owner.upload()
    token = browser.get("/files/", secure=True).cookies["__Host-csrftoken"].value
    assert clear(browser, csrftoken=token, box=boxes.token_of(owner.box)) == 303
    assert not Upload.objects.live().exists()


def test_cookies_of_the_old_names_count_for_a_while_only(browser, owner, monkeypatch):
    """Case 70."""
    monkeypatch.setattr(cookies, "OLD_FORMS_UNTIL", datetime(2026, 1, 1, tzinfo=UTC))
    upload = owner.upload()
    token = browser.get("/files/", secure=True).cookies["__Host-csrftoken"].value
    box = boxes.token_of(owner.box)
    assert clear(browser, csrftoken=token, box=box) == 403
    assert clear(browser, **{"__Host-csrftoken": token, "box": box}) == 303  # without its box, nothing is cleared
    assert Upload.objects.live().filter(pk=upload["id"]).exists()
    assert clear(browser, **{"__Host-csrftoken": token, "__Host-box": box}) == 303
    assert not Upload.objects.live().filter(pk=upload["id"]).exists()


def test_a_device_forgets_its_cookies_of_both_names(browser, owner):
    browser = Client()
    browser.cookies["box"] = browser.cookies["__Host-box"] = boxes.token_of(owner.box)
    response = browser.post("/forget/", secure=True)
    for name in ("box", "__Host-box"):
        assert response.cookies[name]["max-age"] == 0
    assert response.cookies["__Host-box"]["secure"]
