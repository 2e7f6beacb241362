"""The form without JavaScript, and `curl -T`."""

from io import BytesIO
from urllib.parse import quote

import pytest
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from ...support.samples import PNG
from .helpers import image, page

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_image_sent_by_form_is_shown_with_its_time_left(owner):
    browser = owner.browser
    response = browser.post("/images/", {"file": image("a <b>.png"), "title": ""})
    assert (response.status_code, response["Location"]) == (303, "/images/")
    text = page(browser.get("/images/"))
    assert "1 image is here." in text
    assert "a &lt;b&gt;.png" in text
    assert "15 minutes left" in text
    upload = Upload.objects.get()
    assert (upload.state, upload.size, upload.content_type) == (State.READY, len(PNG), "image/png")
    assert storage.first_bytes(upload.key, 1000) == PNG


def test_a_form_sends_several_files_with_one_title(owner):
    files = [SimpleUploadedFile(f"{number}.txt", b"x" * number) for number in (1, 2, 3)]
    owner.browser.post("/files/", {"file": files, "title": "notes"})
    rows = Upload.objects.of(owner.box).live().values_list("name", "size", "title")
    assert set(rows) == {("1.txt", 1, "notes"), ("2.txt", 2, "notes"), ("3.txt", 3, "notes")}


def test_a_form_with_its_csrf_token_is_accepted():
    browser = Client(enforce_csrf_checks=True)
    browser.get("/files/")
    token = browser.cookies["csrftoken"].value
    form = {"csrfmiddlewaretoken": token, "file": SimpleUploadedFile("a.txt", b"hello")}
    assert browser.post("/files/", form).status_code == 303


def test_curl_puts_a_file_and_gets_its_link():
    response = Client().put("/notes.txt", b"hello", "application/octet-stream")
    assert response.status_code == 201
    upload = Upload.objects.get()
    assert page(response) == f"http://testserver/u/{upload.pk}/\n"
    assert (upload.name, upload.size, upload.kind, upload.state) == ("notes.txt", 5, "file", State.READY)
    token = response["X-Box-Token"]
    again = Client().put("/more.txt", b"x", headers={"X-Box-Token": token})
    assert again["X-Box-Token"].partition(":")[0] == token.partition(":")[0]  # a new one, of the same box
    assert Upload.objects.of(upload.box).live().count() == 2


@pytest.mark.parametrize("name", ["写真.jpg", "a b.txt", "..", "a%2Fb".replace("%2F", "\\")])
def test_curl_keeps_the_name(name):
    response = Client().put(f"/{quote(name)}", b"hello")
    assert response.status_code == 201
    assert Upload.objects.get().name == name


def test_curl_with_a_forged_token_gets_401():
    assert Client().put("/a.txt", b"hello", headers={"X-Box-Token": "x"}).status_code == 401
    assert not Upload.objects.exists()


def test_curl_does_not_use_the_cookie(owner):
    owner.browser.put("/a.txt", b"hello")
    assert Upload.objects.get().box != owner.box


def test_curl_with_an_empty_or_too_large_file_gets_a_reason(limits):
    limits(form_size=4)
    assert b"empty" in Client().generic("PUT", "/a.txt", CONTENT_LENGTH="0").content
    response = Client().put("/a.txt", b"hello")
    assert (response.status_code, response.content) == (413, b"At most 4e-06 MB can be sent this way.\n")
    assert not Upload.objects.exists()


def test_curl_without_a_length_gets_411():
    request = {"CONTENT_LENGTH": "", "REQUEST_METHOD": "PUT"}
    assert Client().generic("PUT", "/a.txt", **request).status_code == 411


def test_an_interrupted_curl_leaves_nothing(owner):
    """Case 10: the length promised more than came."""
    cut = {"wsgi.input": BytesIO(b"hel"), "CONTENT_LENGTH": "5"}
    response = Client().generic("PUT", "/a.txt", headers=owner.headers, **cut)
    assert response.status_code == 422
    assert Upload.objects.get().state == State.GONE


@pytest.mark.parametrize("method", ["get", "head", "post", "delete"])
def test_a_name_accepts_only_put(method):
    assert getattr(Client(), method)("/notes.txt").status_code == 404
