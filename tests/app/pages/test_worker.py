"""The service worker, its page without a network, and the share target without a worker."""

import json
import re

import pytest
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import gettext, override

from mayfly.pages import worker
from mayfly.problems import TABLE
from mayfly.uploads.models import Upload

from ...support.people import body_of
from .helpers import page, policy_of

pytestmark = pytest.mark.django_db(transaction=True)

LANGUAGES = [code for code, _ in configured.LANGUAGES]


def settings_of(response) -> dict:
    """The settings that the worker finds before its own script."""
    return json.loads(re.match(r"self\.MAYFLY = (.*);\n", page(response))[1])


def test_the_worker_may_serve_the_whole_site_and_is_asked_for_anew():
    response = Client().get("/app/worker.js")
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert (response["Service-Worker-Allowed"], response["Cache-Control"]) == ("/", "no-cache")
    assert policy_of(response)["default-src"] == {"'none'"}


def test_the_worker_caches_one_page_and_files_with_hashed_names():
    """Case 86."""
    found = settings_of(Client().get("/app/worker.js"))
    assert found["offline"] == "/app/offline/"
    assert len(found["statics"]) == 2
    for address in found["statics"]:
        assert re.search(r"\.[0-9a-f]{12}\.(css|svg)$", address)
        assert body_of(Client().get(address))


def test_a_file_without_a_hashed_name_is_not_cached(monkeypatch):
    """Case 86: it would stay as it was."""
    monkeypatch.setattr(worker, "static", lambda path: f"/static/{path}")
    assert settings_of(Client().get("/app/worker.js"))["statics"] == []


def test_the_worker_knows_which_images_can_be_shown(limits):
    limits(images_kept=7)
    found = settings_of(Client().get("/app/worker.js"))
    form = re.search(r'accept="([^"]+)"', page(Client().get("/images/")))[1]
    assert set(found["types"]) == set(form.split(","))
    assert found["kept"] == 7


def test_without_a_bundle_there_is_no_worker(monkeypatch):
    monkeypatch.setattr(worker, "_script", lambda: "")
    assert Client().get("/app/worker.js").status_code == 404


def test_only_pages_of_those_who_upload_register_the_worker(owner):
    """Case 86: a stranger with a link gets no program that stays."""
    assert 'data-worker="/app/worker.js"' in page(owner.browser.get("/images/"))
    assert 'data-worker="/app/worker.js"' in page(owner.browser.get("/files/"))
    link = f"/u/{owner.upload()['id']}/"
    for path in (link, "/code/", "/u/nothing/"):
        assert "worker" not in page(Client().get(path))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_offline_page_is_whole_by_itself_in_each_language(language):
    """Case 86: it has no script, no form and no token, because everyone's browser keeps it."""
    response = Client().get("/app/offline/", headers={"Accept-Language": language})
    text = page(response)
    with override(language):
        assert gettext("You are offline") in text
        assert (
            gettext(
                "This page needs a connection. Meanwhile the times of your uploads go on, and they expire as promised."
            )
            in text
        )
    assert not re.search("<script|<form|csrf", text)
    assert not response.cookies
    # A home screen asks for its icon when there is a network.
    for_home_screens = re.search(r'rel="apple-touch-icon" href="([^"]+)"', text)[1]
    found = settings_of(Client().get("/app/worker.js"))["statics"]
    assert set(re.findall(r'"(/static/[^"]+)"', text)) - {for_home_screens} == set(found)


def test_the_manifest_names_the_share_target():
    target = Client().get("/app/manifest.webmanifest").json()["share_target"]
    found = settings_of(Client().get("/app/worker.js"))
    assert (target["action"], target["method"], target["enctype"]) == (found["shared"], "POST", "multipart/form-data")
    assert target["params"]["files"] == [{"name": "file", "accept": ["*/*"]}]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_share_without_a_worker_is_refused_in_words_and_not_stored(owner, language):
    """Case 85: nothing proves who sent it."""
    owner.browser.get("/files/")
    file = SimpleUploadedFile("a.txt", b"hello")
    response = owner.browser.post("/app/shared/", {"file": file}, headers={"Accept-Language": language})
    assert response.status_code == 409
    with override(language):
        assert gettext(TABLE["not_opened"].title) in page(response)
        assert gettext(TABLE["not_opened"].text) in page(response)
    assert not Upload.objects.exists()


def test_a_look_at_the_share_target_leads_to_the_files():
    assert Client().get("/app/shared/")["Location"] == "/files/"


def test_a_file_may_be_called_worker():
    assert Client().put("/worker.js", b"hello").status_code == 201
    assert body_of(Client().get("/app/worker.js")).startswith(b"self.MAYFLY")
