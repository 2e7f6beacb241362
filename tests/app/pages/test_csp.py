"""Headers keep browsers from running or leaking anything on our pages."""

import re

import pytest
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.pages.environment import static

from .helpers import policy_of

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ["/images/", "/files/", "/u/nothing/", "/api/docs", "/admin/login/"]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_inline_runs_and_nothing_comes_from_elsewhere(path):
    policy = policy_of(Client().get(path))
    origin = {storage.origin} - {None}
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == {"'none'"}
    assert policy["script-src"] == policy["style-src"] == {"'self'"}
    assert policy["manifest-src"] == policy["worker-src"] == {"'self'"}
    assert policy["connect-src"] == policy["form-action"] == {"'self'"} | origin
    assert policy["img-src"] - {"data:"} == {"'self'", "blob:"} | origin
    assert ("data:" in policy["img-src"]) == (path == "/api/docs")


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_anything_inline(path):
    text = Client().get(path).content.decode()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE)
    assert not [
        script for script in re.findall(r"<script([^>]*)>", text) if "src=" not in script and "json" not in script
    ]


def test_the_other_headers_keep_links_and_devices_to_ourselves():
    response = Client().get("/images/")
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(response["Permissions-Policy"].split(", "))


def test_a_static_file_has_no_policy_of_pages():
    response = Client().head(static("mayfly/mayfly.css"))
    assert response["X-Content-Type-Options"] == "nosniff"
    assert not {"Content-Security-Policy", "Permissions-Policy"} & response.headers.keys()


def test_a_signed_url_is_within_the_policy(owner):
    part = owner.sign(owner.begin(), 1)[0]
    assert part["url"].startswith(storage.origin or "http://testserver/")
