"""Forget this device: asked first, then the box's cookie goes and the uploads stay."""

import pytest
from django.conf import settings as configured
from django.test import Client

from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from .helpers import page

pytestmark = pytest.mark.django_db


def test_the_lists_lead_to_a_page_that_asks_first(owner):
    upload = owner.upload()
    browser = owner.browser
    assert '<a href="/forget/">Forget this device</a>' in page(browser.get("/files/"))
    text = page(browser.get("/forget/"))
    assert "Forget this device?" in text
    assert "Your uploads stay until they expire" in text
    assert '<form method="post" action="/forget/">' in text
    assert upload["name"] in page(browser.get("/files/"))  # asking changes nothing


def test_a_forgotten_device_has_another_box_and_the_uploads_stay(owner):
    """Case 70."""
    upload = owner.upload()
    browser = owner.browser
    response = browser.post("/forget/")
    assert (response.status_code, response["Location"]) == (303, "/images/")
    assert response.cookies[boxes.COOKIE]["max-age"] == 0
    assert response["Clear-Site-Data"] == '"storage"'  # the upload script keeps which transfers are under way
    assert "This device is forgotten." in page(browser.get("/images/"))
    assert upload["name"] not in page(browser.get("/files/"))
    assert boxes.from_cookie(browser.get("/files/").wsgi_request) not in (None, owner.box)
    assert Upload.objects.live().filter(pk=upload["id"]).exists()
    assert browser.get(f"/u/{upload['id']}/").status_code == 200


def test_another_site_cannot_make_a_device_be_forgotten(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    assert browser.post("/forget/").status_code == 403
    assert browser.cookies[boxes.COOKIE].value


def test_a_visitor_without_a_box_can_ask_too():
    assert Client().get("/forget/").status_code == 200
    assert Client().post("/forget/").status_code == 303


@pytest.mark.parametrize("language", [code for code, _ in configured.LANGUAGES if code != "en"])
def test_the_question_is_asked_in_every_language(language):
    text = page(Client().get("/forget/", headers={"Accept-Language": language}))
    assert "Forget this device" not in text
    assert "Your uploads" not in text
