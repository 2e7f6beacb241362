"""Who may see and change what: by every route there is, by any method, and after the end."""

import random
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage as storage
from django.core.signing import Signer
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from mayfly.uploads import tasks
from mayfly.uploads.choices import State
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from ..conftest import PNG, Person, body_of, expire, fetch, send

pytestmark = pytest.mark.django_db(transaction=True)

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
READS = METHODS[:3]
SECRET = "classified"  # in the name, the title and the bytes of what others must not see
# By these anybody who has the link sees a live upload; all others are its owner's.
BY_LINK = {"/u/{upload_id}/", "/u/{upload_id}/download", "/u/{upload_id}/preview"}


@pytest.fixture(autouse=True)
def beating():
    """Beat and the sweep have run, so that no status page is a 503."""
    tasks.sweep(from_beat=True)


def routes(patterns=None, before: str = "/") -> Iterator[str]:
    """Every address of the site, its parts that vary in braces."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield plain(route)


def plain(route: str) -> str:
    """The admin has some routes as regular expressions."""
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", route.replace("^", "")).replace("$", "").replace("\\Z", "")


def address(route: str, pk: str, **tokens: str) -> str:
    """The route with this upload's id wherever it takes one. Fails for what nobody has thought of here."""
    values = {"upload_id": pk, "object_id": pk, "id": pk, "name": "other.txt", "token": "none"}
    values |= {"app_label": "uploads", "content_type_id": "1", "url": "uploads/upload/"}
    return route.format(**values | tokens)


def routes_for(method: str) -> list[str]:
    """The admin's many routes ask for a login before they look at a method: two of them are enough there."""
    return [route for route in routes() if method in ("GET", "POST") or not route.startswith("/admin/")]


def secret(owner: Person, *, with_preview: bool = False, **more) -> dict:
    upload = owner.upload(SECRET.encode(), name=f"{SECRET}.txt", title=SECRET, **more)
    if with_preview:  # whose key a route would sign for, if it looked at nothing else
        Upload.objects.filter(pk=upload["id"]).update(has_preview=True)
    return upload


def table() -> list[dict]:
    return list(Upload.objects.order_by("pk").values())


def ask(client: Client, method: str, path: str, **more):
    """With a body as the API takes it, so that a request is not turned away for the lack of one."""
    if method in ("POST", "PUT", "PATCH", "DELETE"):
        more = {"data": '{"numbers": [1]}', "content_type": "application/json"} | more
    return client.generic(method, path, **more)


def assert_nothing_of_it(response, what: str) -> None:
    assert response.status_code < 500, what
    assert SECRET.encode() not in body_of(response), what
    assert SECRET not in str(response.headers), what
    # Where the app does not serve the bytes, a URL for them would be as good.
    assert not re.search("/storage/(objects|previews)/", response.get("Location", "")), what
    assert "X-Amz-Signature" not in response.get("Location", ""), what


def test_ids_cannot_be_guessed_or_counted():
    """Case 30: every place of an id takes every letter and digit, whatever somebody has seeded."""
    ids = []
    for seed in range(2000):
        random.seed(seed % 2)
        ids.append((new_id(), boxes.new()))
    for kind in zip(*ids, strict=True):
        assert len(set(kind)) == len(kind)
        assert {len(pk) for pk in kind} == {22}
        assert [len(set(place)) for place in zip(*kind, strict=True)] == [62] * 22


def test_all_routes_are_known_here():
    """Case 32: what the tests below walk through is the whole site."""
    every = set(routes())
    assert {"/", "/images/", "/u/{upload_id}/", "/u/{upload_id}/download", "/api/uploads", "/{name}"} <= every
    assert set(Client().get("/api/openapi.json").json()["paths"]) <= every
    for route in every:
        assert "{" not in address(route, "x" * 22)


@pytest.mark.parametrize("more", [{"password": "secret"}, {"downloads": 1}])
def test_a_password_or_a_download_limit_is_refused_rather_than_forgotten(owner, more):
    """Case 32: there is neither yet, and nobody is let believe that there is."""
    body = {"kind": "file", "name": "a", "size": 5}
    assert owner.post("/api/uploads", body | more).status_code == 400
    assert not Upload.objects.exists()


@pytest.mark.parametrize("method", METHODS)
def test_no_route_gives_anything_of_an_upload_whose_time_is_over(owner, method):
    """Cases 32, 33: neither to its owner nor to a stranger."""
    upload = expire(secret(owner, with_preview=True))
    everybody = (owner.browser, {}), (Client(), {"headers": owner.headers}), (Person().browser, {})
    for route in routes_for(method):
        for client, more in everybody:
            path = address(route, upload.pk)
            assert_nothing_of_it(ask(client, method, path, **more), f"{method} {path}")
            upload.refresh_from_db()
            if upload.state != State.READY:  # its owner may remove it before the sweep does
                upload = expire(secret(owner, with_preview=True))


@pytest.mark.parametrize("method", METHODS)
def test_no_route_gives_a_stranger_anything_of_an_upload_or_changes_it(owner, stranger, method):
    """Cases 31, 32, 40: in any state, by any method, whatever the route."""
    ready, pending = secret(owner), owner.begin(SECRET.encode(), name=f"{SECRET}.txt")
    browsers = (stranger.browser, {}), (Client(), {"headers": stranger.headers})
    before = table()
    for route in routes_for(method):
        for upload in (ready, pending):
            path = address(route, upload["id"])
            for client, more in browsers:
                response = ask(client, method, path, **more)
                if upload is pending or route not in BY_LINK:
                    assert_nothing_of_it(response, f"{method} {path}")
    assert [row for row in table() if row["box"] == owner.box] == before
    assert storage.length(f"uploads/{ready['id']}") == len(SECRET)


def test_the_share_page_shows_a_stranger_no_way_to_change_anything(owner, stranger):
    """Case 31."""
    upload = secret(owner)
    text = stranger.browser.get(f"/u/{upload['id']}/").content.decode()
    assert SECRET in text
    assert re.findall('action="([^"]*)"', text) == ["/language/"]
    assert owner.box not in text


def test_a_status_page_tells_of_no_upload(owner):
    """Case 40."""
    secret(owner)
    tasks.sweep(from_beat=True)
    for path in ("/health/live", "/health/ready"):
        assert_nothing_of_it(Client().get(path), path)
    assert set(Client().get("/health/ready").json()["checks"]) <= {"database", "storage", "redis", "beat", "sweep"}


@pytest.mark.parametrize("method", READS)
def test_reading_changes_nothing_whoever_reads_and_whatever_the_route(owner, method):
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


# A page elsewhere, one that hides where it is, and an old browser.
FOREIGN = [{"Origin": "https://evil.example", "Referer": "https://evil.example/"}, {"Origin": "null"}, {}]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_site_changes_nothing_with_a_visitors_cookie(owner, method):
    """Case 34: a page elsewhere can let a browser send the cookie, but neither our token nor JSON."""
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


ROBOTS = [
    {},
    {"Range": "bytes=0-1"},
    {"Range": "bytes=99-"},
    {"Sec-Purpose": "prefetch;prerender", "Purpose": "prefetch"},
    {"User-Agent": "facebookexternalhit/1.1"},
    {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    {"If-None-Match": "*", "If-Modified-Since": "Thu, 01 Jan 2037 00:00:00 GMT"},
]


def test_a_look_by_a_robot_changes_nothing(owner):
    """Case 35: HEAD, Range, prefetch and link previews; afterwards the upload is as it was, and is fetched whole."""
    upload = owner.upload(PNG, kind="image")
    before, client = table(), Client()
    for headers in ROBOTS:
        for method in ("GET", "HEAD"):
            assert client.generic(method, f"/u/{upload['id']}/", headers=headers).status_code == 200
            response = client.generic(method, f"/u/{upload['id']}/download", headers=headers)
            assert response.status_code == 302
            if response["Location"].startswith("/"):
                client.generic(method, response["Location"], headers=headers).close()
    assert table() == before
    assert body_of(fetch(client.get(f"/u/{upload['id']}/download")["Location"])) == PNG


def test_a_link_invites_no_robot_to_download(owner):
    """Case 35."""
    upload = owner.upload()
    text = Client().get(f"/u/{upload['id']}/").content.decode()
    assert '<meta name="robots" content="noindex">' in text
    assert re.search(rf'href="/u/{upload["id"]}/download" rel="nofollow"', text)


def test_downloads_at_once_all_get_the_bytes_and_change_nothing(owner):
    """Case 36."""
    upload = owner.upload(b"hello")
    before = table()

    def attempt(_):
        try:
            return body_of(fetch(Client().get(f"/u/{upload['id']}/download")["Location"]))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(attempt, range(12))) == {b"hello"}
    assert table() == before


FORGED = ["198.51.100.1", "127.0.0.1", "unknown", "203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7", "x" * 5000, ""]


@pytest.mark.parametrize("trusted", [True, False])
def test_a_forged_address_does_not_change_whose_quota_counts(settings, limits, trusted):
    """Case 37: a client writes what it likes before the address that our router adds."""
    settings.TRUST_PROXY = trusted
    limits(address_quota=12)
    mine = ", 203.0.113.7" if trusted else ""
    client = Client(REMOTE_ADDR="10.0.0.1" if trusted else "203.0.113.7")
    body = {"kind": "file", "name": "a", "size": 5}
    taken = []
    for forged in FORGED:
        headers = {
            "X-Forwarded-For": f"{forged}{mine}",
            "X-Real-IP": forged,
            "Forwarded": f"for={forged}",
            "Client-IP": forged,
            "True-Client-IP": forged,
        }
        taken.append(client.post("/api/uploads", body, "application/json", headers=headers).status_code)
    assert taken == [201, 201] + [429] * (len(FORGED) - 2)
    assert Upload.objects.values("address").distinct().count() == 1


ELSEWHERE = ["//evil.example", "https://evil.example", "/\\evil.example", "https:evil.example", "\\\\evil.example"]


def test_no_route_redirects_elsewhere(owner):
    """Case 39: whatever is asked for, and whatever the request claims to be."""
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


def test_links_are_made_for_no_host_that_is_not_ours(owner):
    """Case 39: a link in an answer carries the host of the request, so a forged one is not even answered."""
    upload = owner.upload()
    for host in ("evil.example", "testserver.evil.example", "testserver@evil.example", "evil.example:80"):
        response = Client().get(f"/api/uploads/{upload['id']}", headers=owner.headers | {"Host": host})
        assert response.status_code == 400
        assert b"evil" not in response.content
    answer = Client().get(f"/api/uploads/{upload['id']}", headers=owner.headers | {"X-Forwarded-Host": "evil.example"})
    assert answer.json()["link"].startswith("http://testserver/")


def test_a_url_kept_from_before_the_end_gives_nothing_after_it(owner):
    """Case 33: on the clock, with nothing changed by hand."""
    upload = secret(owner, lifetime=2)
    kept = Client().get(f"/u/{upload['id']}/download")["Location"]
    assert body_of(fetch(kept)) == SECRET.encode()
    time.sleep(2)
    answer = fetch(kept)
    assert answer.status_code == 403
    assert SECRET.encode() not in body_of(answer)
    assert Client().get(f"/u/{upload['id']}/download").status_code == 410


def test_what_was_handed_out_before_a_clear_is_worth_nothing_after_it(owner):
    """Case 41: part URLs, a download URL, the link; the box's token opens an empty box."""
    ready, pending = owner.upload(b"hello"), owner.begin(b"hello")
    [part] = owner.sign(pending, 1)
    link, download = ready["link"], Client().get(f"/u/{ready['id']}/download")["Location"]
    assert owner.delete("/api/uploads").status_code == 204
    assert send(part, b"hello") in (403, 404)
    assert fetch(download).status_code == 404
    assert Client().get(link).status_code == 410
    assert owner.get("/api/uploads").json() == {"uploads": []}
    assert owner.post(f"/api/uploads/{pending['id']}/complete").status_code == 410
    assert owner.post(f"/api/uploads/{pending['id']}/parts", {"numbers": [1]}).status_code == 410
    assert not [
        found for found in storage.objects("uploads/") if ready["id"] in found.key or pending["id"] in found.key
    ]
    assert {row["state"] for row in table()} == {State.GONE}


def test_a_token_made_with_another_key_opens_no_box(owner):
    """Case 41: a new SECRET_KEY is what revokes all tokens at once."""
    token = Signer(key="another", salt="mayfly.box").sign(owner.box)
    assert Client().get("/api/uploads", headers={"Authorization": f"Bearer {token}"}).status_code == 401
