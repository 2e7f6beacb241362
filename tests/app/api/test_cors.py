"""Pages of other sites: those that API_ORIGINS names use the API with a token, and no other page reads an answer."""

import json

import pytest
from django.test import Client

from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from ...support.people import Person

pytestmark = pytest.mark.django_db

TOOLS = "https://tools.example"
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture
def named(settings) -> None:
    """As the settings are with API_ORIGINS=https://tools.example."""
    settings.API_ORIGINS = settings.CORS_ALLOWED_ORIGINS = [TOOLS]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]


def preflight(path: str, *, origin: str = TOOLS, method: str = "POST"):
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return Client().options(path, headers=asked | {"Access-Control-Request-Headers": "authorization"})


def begin(client: Client, **headers: str):
    body = json.dumps({"kind": "file", "name": "a.txt", "size": 5})
    return client.generic("POST", "/api/uploads", body, "application/json", headers=headers)


def test_no_page_of_another_site_reads_an_answer_by_default(owner):
    """Case 105."""
    for answer in (preflight("/api/uploads"), Client().get("/api/uploads", headers=owner.headers | {"Origin": TOOLS})):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_a_named_page_sends_a_whole_upload(named):
    """Case 105."""
    asked = preflight("/api/uploads")
    assert (asked.status_code, asked[ALLOW]) == (200, TOOLS)
    assert {"authorization", "content-type", "idempotency-key"} <= set(
        asked["Access-Control-Allow-Headers"].split(", ")
    )
    begun = begin(Client(), Origin=TOOLS)
    assert (begun.status_code, begun[ALLOW]) == (201, TOOLS)
    assert "origin" in begun["Vary"].lower()
    upload, headers = begun.json(), {"Authorization": f"Bearer {begun.json()['box']}", "Origin": TOOLS}
    [part] = upload["transfer"]["first"]
    assert Person().put(part | {"headers": {"Origin": TOOLS}}, b"hello") in (200, 201)
    done = Client().generic("POST", f"/api/uploads/{upload['id']}/complete", headers=headers)
    assert (done.status_code, done[ALLOW]) == (200, TOOLS)
    missing = Client().get(f"/api/uploads/{'x' * 22}", headers=headers)
    assert (missing.status_code, missing[ALLOW]) == (404, TOOLS)  # its script can read why
    assert "Retry-After" in missing["Access-Control-Expose-Headers"]


def test_where_web_is_the_storage_a_named_page_sends_its_parts(named):
    asked = preflight("/storage/parts/x", method="PUT")
    assert "PUT" in asked["Access-Control-Allow-Methods"]
    answer = Client().put("/storage/parts/x", b"hello", headers={"Origin": TOOLS})
    assert (answer[ALLOW], "ETag" in answer["Access-Control-Expose-Headers"]) == (TOOLS, True)


@pytest.mark.parametrize(
    "origin",
    [
        "http://tools.example",
        "https://tools.example:444",
        "https://tools.example.evil.example",
        "https://eviltools.example",
        "https://a.tools.example",
        "https://tools.example@evil.example",
        "HTTPS://TOOLS.EXAMPLE",
        "null",
        "*",
        "",
    ],
)
def test_only_an_origin_that_is_named_exactly_is_allowed(named, owner, origin):
    """Case 105."""
    for answer in (
        preflight("/api/uploads", origin=origin),
        Client().get("/api/uploads", headers=owner.headers | {"Origin": origin}),
    ):
        assert ALLOW not in answer
        assert "origin" in answer["Vary"].lower()  # so that no cache gives the answer to another origin


def test_no_page_but_the_api_is_open_to_a_named_origin(named, owner):
    """Case 105."""
    upload = owner.upload()
    for path in (
        "/",
        "/images/",
        f"/u/{upload['id']}/",
        f"/u/{upload['id']}/download",
        "/health/live",
        "/admin/login/",
    ):
        assert ALLOW not in owner.browser.get(path, headers={"Origin": TOOLS})
        assert ALLOW not in preflight(path)


def test_a_named_page_never_uses_the_cookie(named, owner):
    """Case 105: a neighbour on the same domain gets its browser to send it."""
    upload = owner.upload()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    listed = browser.get("/api/uploads", headers={"Origin": TOOLS})
    assert listed.json()["uploads"] == []
    assert "Access-Control-Allow-Credentials" not in listed
    path = f"/api/uploads/{upload['id']}"
    assert browser.get(path, headers={"Origin": TOOLS}).status_code == 401
    assert browser.delete(path, headers={"Origin": TOOLS}).status_code == 401
    assert Upload.objects.get(pk=begin(browser, Origin=TOOLS).json()["id"]).box != owner.box
    assert Upload.objects.live().filter(pk=upload["id"]).exists()


def test_the_sites_own_page_uses_the_cookie_although_it_is_named(named, owner, settings):
    settings.API_ORIGINS = settings.CORS_ALLOWED_ORIGINS = ["http://testserver"]
    upload = owner.upload()
    listed = owner.browser.get("/api/uploads", headers={"Origin": "http://testserver"})
    assert [found["id"] for found in listed.json()["uploads"]] == [upload["id"]]
