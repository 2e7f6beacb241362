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


def test_a_visitor_can_sign_out_everywhere_else(owner):
    """Cases 41 and 104."""
    upload = owner.upload()
    here, elsewhere = owner.browser, owner.browser
    assert '<a href="/forget/#others">Sign out everywhere else</a>' in page(here.get("/files/"))
    assert '<form method="post" action="/forget/others/">' in page(here.get("/forget/"))
    response = here.post("/forget/others/")
    assert (response.status_code, response["Location"]) == (303, "/images/")
    assert "Only this browser opens your uploads now." in page(here.get("/images/"))
    assert upload["name"] in page(here.get("/files/"))
    assert upload["name"] not in page(elsewhere.get("/files/"))
    assert Client().get("/api/uploads", headers=owner.headers).status_code == 401
    assert here.get("/forget/others/")["Location"] == "/forget/"  # a GET changes nothing


def test_another_site_cannot_sign_a_visitor_out_elsewhere(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    assert browser.post("/forget/others/").status_code == 403
    assert Client().get("/api/uploads", headers=owner.headers).status_code == 200


def test_a_visitor_without_a_box_of_their_own_has_no_one_to_sign_out(owner, settings):
    assert "/forget/others/" not in page(Client().get("/forget/"))
    assert Client().post("/forget/others/").status_code == 302
    settings.SHARED_BOX = True
    assert "/forget/others/" not in page(owner.browser.get("/forget/"))
    assert owner.browser.post("/forget/others/").status_code == 302
