"""Every route by every method: no visitor sees or changes more than is theirs."""

import re
from itertools import product
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.uploads import tasks
from mayfly.uploads.choices import State
from mayfly.visitors import boxes

from ...support.making import expire
from ...support.people import Person
from ...support.routes import (
    METHODS,
    READS,
    SECRET,
    address,
    ask,
    assert_nothing_of_it,
    routes,
    routes_for,
    secret,
    table,
)

pytestmark = pytest.mark.django_db


# On these routes, everyone who has the link sees a live upload. All others are for its owner.
BY_LINK = {"/u/{upload_id}/", "/u/{upload_id}/download", "/u/{upload_id}/preview"}


@pytest.fixture(autouse=True)
def beating():
    """Beat and the sweep have run, so that no health page answers 503."""
    tasks.sweep(from_beat=True)


def test_these_tests_know_every_route():
    """Case 32: the tests below walk through the whole site."""
    every = set(routes())
    assert {"/", "/images/", "/u/{upload_id}/", "/u/{upload_id}/download", "/api/uploads", "/{name}"} <= every
    assert set(Client().get("/api/openapi.json").json()["paths"]) <= every
    for route in every:
        assert "{" not in address(route, "x" * 22)


@pytest.mark.parametrize("method", METHODS)
def test_no_route_reveals_an_expired_upload(owner, method):
    """Cases 32, 33: neither to its owner nor to a stranger."""
    upload = expire(secret(owner, with_preview=True))
    stranger = Person()
    for route in routes_for(method):
        # With cookies of their own each time, since one of the routes removes them.
        everybody = (owner.browser, {}), (Client(), {"headers": owner.headers}), (stranger.browser, {})
        for client, more in everybody:
            path = address(route, upload.pk)
            assert_nothing_of_it(ask(client, method, path, **more), f"{method} {path}")
            upload.refresh_from_db()
            if upload.state != State.READY:  # its owner may remove it before the sweep does
                upload = expire(secret(owner, with_preview=True))


@pytest.mark.parametrize("method", METHODS)
def test_no_route_lets_a_stranger_see_or_change_an_upload(owner, stranger, method):
    """Cases 31, 32, 40: in any state, by any method, on any route."""
    ready, pending = secret(owner), owner.begin(SECRET.encode(), name=f"{SECRET}.txt")
    before = table()
    for route in routes_for(method):
        for upload in (ready, pending):
            path = address(route, upload["id"])
            for client, more in ((stranger.browser, {}), (Client(), {"headers": stranger.headers})):
                response = ask(client, method, path, **more)
                if upload is pending or route not in BY_LINK:
                    assert_nothing_of_it(response, f"{method} {path}")
    assert [row for row in table() if row["box"] == owner.box] == before
    assert storage.length(f"uploads/{ready['id']}") == len(SECRET)


def test_the_share_page_offers_a_stranger_no_changes(owner, stranger):
    """Case 31."""
    upload = secret(owner)
    text = stranger.browser.get(f"/u/{upload['id']}/").content.decode()
    assert SECRET in text
    assert re.findall('action="([^"]*)"', text) == ["/language/"]
    assert owner.box not in text


def test_the_health_pages_reveal_no_upload(owner):
    """Case 40."""
    secret(owner)
    tasks.sweep(from_beat=True)
    for path in ("/health/live", "/health/ready"):
        assert_nothing_of_it(Client().get(path), path)
    parts = {"database", "storage", "redis", "beat", "sweep", "removal"}
    assert set(Client().get("/health/ready").json()["checks"]) <= parts


@pytest.mark.parametrize("method", READS)
def test_reading_any_route_changes_nothing(owner, method):
    """Case 34."""
    ready, pending = secret(owner), owner.begin()
    operator = owner.browser
    operator.force_login(User.objects.create_superuser("operator"))
    readers = (operator, {}), (Client(), {"headers": owner.headers})
    before = table()
    for route in routes_for(method):
        for upload in (ready, pending):
            path = address(route, upload["id"])
            for client, more in readers:
                assert client.generic(method, path, **more).status_code < 500, path
    assert table() == before
    assert storage.length(f"uploads/{ready['id']}") == len(SECRET)


# A page on another site, one that hides its origin, and an old browser.
FOREIGN = [{"Origin": "https://evil.example", "Referer": "https://evil.example/"}, {"Origin": "null"}, {}]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_site_cannot_use_a_visitors_cookie_for_changes(owner, method):
    """Case 34: another site can make a browser send the cookie, but neither our CSRF token nor JSON."""
    ready, pending = secret(owner), owner.begin()
    before = table()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    browser.get("/files/")
    for route, upload in product(routes_for(method), (ready, pending)):
        for content_type, foreign in product(("application/x-www-form-urlencoded", "application/json"), FOREIGN):
            path = address(route, upload["id"])
            response = ask(browser, method, path, content_type=content_type, headers=foreign)
            assert "Access-Control-Allow-Origin" not in response, path
    assert [row for row in table() if row["box"] == owner.box] == before


ELSEWHERE = ["//evil.example", "https://evil.example", "/\\evil.example", "https:evil.example", "\\\\evil.example"]


@pytest.mark.slow
def test_no_route_redirects_to_another_site(owner):
    """Case 39: whatever the request asks for or claims."""
    upload = owner.upload()
    browser = owner.browser
    operator = User.objects.create_superuser("operator", password="only here")
    browser.force_login(operator)
    reads = [*routes_for("HEAD"), "/admin/", "/admin/login/"]
    for evil in ELSEWHERE:
        headers = {"Referer": f"{evil}/", "X-Forwarded-Host": "evil.example", "Origin": evil}
        query = f"next={evil}&url={evil}&redirect={evil}&return={evil}"
        paths = [address(route, upload["id"], name=evil, token=evil) for route in reads]
        for path in [*paths, f"/{evil}/images", f"/{evil}/..", f"{evil}/images/", f"/{evil}%2f.."]:
            assert_leads_nowhere_else(browser.generic("GET", f"{path}?{query}", headers=headers), path)
        login = {"username": "operator", "password": "only here", "next": evil}
        response = Client().post(f"/admin/login/?{query}", login, headers=headers)
        assert response.status_code == 302
        assert_leads_nowhere_else(response, "/admin/login/")
    for path in ("/files/", "/images/", "/files/clear/", f"/u/{upload['id']}/delete"):
        assert_leads_nowhere_else(browser.post(f"{path}?{query}", {"next": evil}, headers=headers), path)


def assert_leads_nowhere_else(response, path: str) -> None:
    location = response.get("Location", "/")
    if "X-Amz-Signature" in location:
        return  # to our own bucket
    assert location.startswith("/"), path
    assert not location.startswith(("//", "/\\")), path
    assert urlsplit(location).netloc == "", path
