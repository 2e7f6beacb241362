"""The form without JavaScript, and `curl -T`."""

from io import BytesIO
from urllib.parse import quote, urlsplit

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


def test_curl_without_a_length_or_its_framing_gets_411():
    request = {"CONTENT_LENGTH": "", "REQUEST_METHOD": "PUT"}
    assert Client().generic("PUT", "/a.txt", **request).status_code == 411


def pipe(content: bytes, path: str = "/log.txt", **more: object):
    """PUT a body whose end the server finds, as gunicorn gives it to Django."""
    body = {"wsgi.input": BytesIO(content), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    return Client().generic("PUT", path, **body, **more)


def test_a_pipe_becomes_an_upload_of_its_real_size(limits):
    """Case 106. The declared size is a bound, which counts in the quotas until the end is known."""
    limits(form_size=20, box_quota=25)
    response = pipe(b"hello")
    assert response.status_code == 201
    upload = Upload.objects.get()
    assert (upload.name, upload.size, upload.state) == ("log.txt", 5, State.READY)
    assert storage.first_bytes(upload.key, 10) == b"hello"
    again = {"headers": {"X-Box-Token": response["X-Box-Token"]}}
    assert pipe(b"x" * 20, **again).status_code == 201
    full = pipe(b"x", **again)  # no room for the bound beside the 25 bytes
    assert (full.status_code, full["Content-Type"]) == (413, "text/plain; charset=utf-8")


def test_a_pipe_to_the_bare_address_has_a_name():
    assert pipe(b"hello", "/").status_code == 201
    assert Upload.objects.get().name == "stdin"


def test_a_pipe_that_is_too_long_or_empty_leaves_nothing(limits):
    """Case 106."""
    limits(form_size=100_000)
    assert b"empty" in pipe(b"").content
    response = pipe(b"x" * 100_001)
    assert (response.status_code, response.content) == (413, b"At most 0.1 MB can be sent this way.\n")
    assert not Upload.objects.exists()


def test_choices_come_in_headers():
    title = "für Ada".encode().decode("latin-1")  # as WSGI gives the bytes of a terminal
    assert Client().put("/a.txt", b"a", headers={"X-Title": title, "X-Lifetime": "60"}).status_code == 201
    upload = Upload.objects.get()
    assert (upload.title, upload.lifetime.total_seconds()) == ("für Ada", 60)


@pytest.mark.parametrize("headers", [{"X-Title": "x" * 81}, {"X-Title": "\xff"}, {"X-Lifetime": "soon"}])
def test_a_wrong_choice_in_a_header_is_refused_in_a_line(headers):
    response = Client().put("/a.txt", b"a", headers=headers)
    assert (response.status_code, page(response).count("\n")) == (400, 1)
    assert not Upload.objects.exists()


def test_a_form_to_the_bare_address_gets_a_link_a_line(owner):
    files = [SimpleUploadedFile(name, content) for name, content in (("a.txt", b"a"), ("c.txt", b"c"), ("b.txt", b""))]
    browser = Client(enforce_csrf_checks=True)
    browser.cookies["box"] = owner.browser.cookies["box"].value
    first = browser.post("/", {"file": files[0], "title": "notes"}, headers={"X-Lifetime": "60"})
    upload = Upload.objects.get()
    assert (first.status_code, page(first)) == (201, f"http://testserver/u/{upload.pk}/\n")
    assert (first["Location"], upload.title, upload.lifetime.seconds) == (page(first).strip(), "notes", 60)
    assert upload.box != owner.box  # the cookie is not read
    both = browser.post("/", {"file": files[1:]}, headers={"X-Box-Token": first["X-Box-Token"]})
    assert (both.status_code, page(both).count("/u/")) == (422, 1)
    assert "b.txt: This file is empty." in page(both)
    assert Upload.objects.of(upload.box).live().count() == 2


def test_a_form_to_the_bare_address_may_protect_its_files():
    file = SimpleUploadedFile("a.txt", b"a")
    response = Client().post("/", {"file": file, "downloads": "2"}, headers={"X-Password": "four quiet parrots"})
    upload = Upload.objects.get()
    assert (response.status_code, upload.downloads_most, bool(upload.password)) == (201, 2, True)


def test_a_token_that_may_only_send_gets_no_delete_link(owner):
    sending = owner.post("/api/box/token", {"scope": "upload"}).json()["token"]
    response = Client().put("/a.txt", b"a", headers={"X-Box-Token": sending})
    assert (response.status_code, "X-Delete" in response) == (201, False)
    assert Upload.objects.get().box == owner.box


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        ({"other": SimpleUploadedFile("a.txt", b"a")}, {}, 400),
        ({"file": SimpleUploadedFile("a.txt", b"a"), "title": "x" * 81}, {}, 400),
        ({"file": SimpleUploadedFile("a.txt", b"a")}, {"X-Lifetime": "0"}, 400),
        ({"file": SimpleUploadedFile("a.txt", b"a")}, {"X-Box-Token": "forged"}, 401),
        ({"file": SimpleUploadedFile("a.txt", b"a")}, {"Origin": "https://elsewhere.example"}, 403),
    ],
)
def test_a_wrong_form_to_the_bare_address_is_refused_in_a_line(form, headers, status):
    """Case 107: a page of another site could send it unasked."""
    response = Client().post("/", form, headers=headers)
    assert (response.status_code, page(response).count("\n")) == (status, 1)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert not Upload.objects.live().exists()


def test_a_body_that_is_no_form_is_told_how_to_send_one():
    response = Client().post("/", b"hello", "text/plain")
    assert (response.status_code, b"curl -F file=@name http://testserver" in response.content) == (400, True)


@pytest.mark.parametrize("method", ["delete", "post"])
def test_the_delete_link_removes_its_upload_alone(method):
    """Case 107."""
    sent, other = (Client().put(f"/{name}.txt", b"a") for name in "ab")
    link = urlsplit(sent["X-Delete"]).path
    for harmless in ("get", "head"):
        assert getattr(Client(), harmless)(link).status_code == 200
    response = getattr(Client(), method)(link)
    assert (response.status_code, response.content) == (200, b"1 upload deleted.\n")
    assert [f"{upload.pk}" in page(other) for upload in Upload.objects.live()] == [True]
    again = getattr(Client(), method)(link)
    assert (again.status_code, page(again).count("\n")) == (410, 1)


def test_a_browser_confirms_the_deletion_and_sees_the_receipt():
    link = urlsplit(Client().put("/secret name.txt", b"a")["X-Delete"]).path
    confirmation = page(Client().get(link))
    assert f'action="{link}"' in confirmation
    assert "secret name" not in confirmation
    response = Client().post(link, headers={"Accept": "text/html,*/*"})
    upload = Upload.objects.get()
    assert (response.status_code, response["Location"], upload.state) == (303, f"/u/{upload.pk}/", State.GONE)
    assert Client().get(link)["Location"] == f"/u/{upload.pk}/"


def test_a_delete_link_with_another_signature_or_id_is_unknown():
    """Case 107."""
    sent, other = (Client().put(f"/{name}.txt", b"a") for name in "ab")
    own, foreign = (urlsplit(response["X-Delete"]).path for response in (sent, other))
    forged = foreign.rpartition(":")[0] + ":" + own.rpartition(":")[2]
    for path in (forged, own[:-1], own.replace("/delete/", "/delete/x"), own.rpartition(":")[0]):
        response = Client().delete(path)
        assert (response.status_code, response["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert Upload.objects.live().count() == 2


def test_an_interrupted_curl_leaves_nothing(owner):
    """Case 10: the length promised more than came."""
    cut = {"wsgi.input": BytesIO(b"hel"), "CONTENT_LENGTH": "5"}
    response = Client().generic("PUT", "/a.txt", headers=owner.headers, **cut)
    assert response.status_code == 422
    assert Upload.objects.get().state == State.GONE


@pytest.mark.parametrize("method", ["get", "head", "post", "delete"])
def test_a_name_accepts_only_put(method):
    assert getattr(Client(), method)("/notes.txt").status_code == 404
