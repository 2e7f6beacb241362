"""Everything a form can get wrong, and how pages say so."""

import re
from io import BytesIO

import pytest
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import encode_multipart

from mayfly.pages import forms
from mayfly.storage.protocol import StorageError
from mayfly.uploads import places
from mayfly.uploads.choices import State
from mayfly.uploads.limits import FORM_FILES
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from ...support.broken import storage_class
from ...support.samples import PNG
from .helpers import image, page

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_non_image_is_refused_by_name_and_the_others_stay(owner):
    files = [image("good.png"), image("bad.png", b"<svg onload=alert(1)>")]
    response = owner.browser.post("/images/", {"file": files})
    assert response.status_code == 422
    text = page(response)
    assert "bad.png: This is not an image we can show" in text
    assert "1 image is here." in text
    bad = Upload.objects.exclude(refusal="").get()
    assert (bad.state, storage.length(bad.key)) == (State.GONE, None)


def test_a_form_without_a_file_says_what_to_do(owner):
    response = owner.browser.post("/files/", {"title": "x"})
    assert response.status_code == 422
    assert "Choose a file first." in page(response)


def test_an_empty_submit_of_a_browser_says_what_to_do(owner):
    nothing = encode_multipart("BOUNDARY", {"title": ""}).replace(
        b"--BOUNDARY--",
        b'--BOUNDARY\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--BOUNDARY--",
    )
    for path in ("/images/", "/files/"):
        response = owner.browser.generic("POST", path, nothing, "multipart/form-data; boundary=BOUNDARY")
        assert response.status_code == 422
        assert "Choose a file first." in page(response)
    assert not Upload.objects.exists()


def many(count: int) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(f"{number}.txt", b"x") for number in range(1, count + 1)]


def test_a_form_keeps_as_many_files_as_it_can_send(owner):
    assert owner.browser.post("/files/", {"file": many(FORM_FILES)}).status_code == 303
    assert Upload.objects.live().count() == FORM_FILES


def test_files_beyond_the_limit_are_left_out_in_words(owner, monkeypatch):
    monkeypatch.setattr(forms, "FORM_FILES", 3)
    response = owner.browser.post("/files/", {"file": many(6), "title": "notes"})
    assert response.status_code == 422
    assert "3 files are here." in page(response)
    assert "One form can send 3 files. Those from 4.txt on did not arrive." in page(response)
    rows = Upload.objects.live().values_list("name", "title")
    assert set(rows) == {("1.txt", "notes"), ("2.txt", "notes"), ("3.txt", "notes")}
    assert Upload.objects.count() == 3


def test_a_refused_file_counts_towards_the_limit_of_a_form(owner, monkeypatch):
    monkeypatch.setattr(forms, "FORM_FILES", 2)
    files = [SimpleUploadedFile("void.txt", b""), *many(3)]
    text = page(owner.browser.post("/files/", {"file": files}))
    assert "void.txt: This file is empty." in text
    assert "Those from 2.txt on did not arrive." in text
    assert Upload.objects.live().get().name == "1.txt"


def test_a_form_of_far_too_many_files_is_refused_in_words(owner, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 4
    response = owner.browser.post("/files/", {"file": many(5)})
    assert response.status_code == 413
    assert f"One form can send {FORM_FILES} files." in page(response)
    assert not Upload.objects.exclude(state=State.GONE).exists()


def test_other_forms_take_no_files(owner):
    upload = owner.upload()
    response = owner.browser.post("/language/", {"language": "es", "file": SimpleUploadedFile("a", b"x" * 3_000_000)})
    assert not response.wsgi_request.FILES
    owner.browser.post(f"/u/{upload['id']}/delete", {"file": many(2)})
    assert not Upload.objects.live().exists()


def test_an_empty_file_is_refused_by_name(owner):
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("void.txt", b"")})
    assert response.status_code == 422
    assert "void.txt: This file is empty." in page(response)
    assert Upload.objects.get().state == State.GONE


def test_a_title_that_is_too_long_keeps_nothing(owner):
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x"), "title": "x" * 81})
    assert response.status_code == 422
    assert "at most 80 characters" in page(response)
    assert not Upload.objects.exists()


def test_a_form_above_the_limit_is_not_read(owner, limits):
    limits(form_size=1000)
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x" * 1000)})
    assert response.status_code == 413
    assert "At most 0.001 MB" in page(response)
    assert not Upload.objects.exists()


def test_an_image_above_its_limit_is_left_out_while_the_others_stay(owner, limits):
    limits(image_size=1000)
    response = owner.browser.post("/images/", {"file": [image("big.png", PNG + bytes(1000)), image("ok.png")]})
    assert response.status_code == 422
    assert "big.png: Images can be up to 0.001 MB." in page(response)
    assert Upload.objects.live().get().name == "ok.png"
    assert not Upload.objects.filter(state=State.PENDING).exists()


def test_a_full_box_says_so_and_takes_nothing(owner, limits):
    limits(box_quota=3)
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
    assert response.status_code == 422
    assert "Delete some" in page(response)
    assert not Upload.objects.exists()


def test_a_full_address_is_told_to_wait(owner, limits):
    limits(address_quota=3)
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
    assert response.status_code == 429
    assert "a.txt: All uploads from your network address can total at most" in page(response)


def test_a_form_without_its_csrf_token_leaves_nothing(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    response = browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
    assert response.status_code == 403
    assert not Upload.objects.exclude(state=State.GONE).exists()


def test_a_form_from_another_site_is_refused_before_it_is_read(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    response = browser.post(
        "/files/", {"file": SimpleUploadedFile("a.txt", b"x")}, headers={"Origin": "https://evil.example"}
    )
    assert response.status_code == 403
    assert not Upload.objects.exists()


def test_an_interrupted_form_leaves_nothing(owner):
    whole = encode_multipart("BOUNDARY", {"file": SimpleUploadedFile("a.txt", b"x" * 200_000)})
    browser = Client(raise_request_exception=False)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    cut = {"wsgi.input": BytesIO(whole[:100_000]), "CONTENT_LENGTH": str(len(whole))}
    response = browser.generic("POST", "/files/", content_type="multipart/form-data; boundary=BOUNDARY", **cut)
    assert response.status_code in (400, 403, 422)
    assert not Upload.objects.live().exists()
    assert not Upload.objects.filter(state=State.PENDING).exists()


@pytest.mark.parametrize("call", ["open_transfer", "write_part", "complete_transfer"])
def test_a_form_says_that_storage_is_down_and_leaves_nothing(owner, monkeypatch, call):
    def down(*_, **__):
        raise StorageError("time-out")

    with monkeypatch.context() as patch:
        patch.setattr(storage_class(), call, down)
        response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x")})
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "a.txt: Storage does not answer." in page(response)
    assert not Upload.objects.exclude(state=State.GONE).exists()


def test_a_form_for_which_no_complete_has_a_place_leaves_nothing(owner, monkeypatch):
    """Case 88."""
    monkeypatch.setattr(places, "for_completes", places.Places(threads=1))
    with places.for_completes.entered():
        response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x")})
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert "a.txt: Please wait a moment. Too many uploads are being completed" in page(response)
    assert not Upload.objects.exclude(state=State.GONE).exists()


def test_errors_have_a_page_of_their_own():
    response = Client().get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing here" in page(response)


def test_a_refused_title_stays_in_its_field(owner):
    text = page(owner.browser.post("/files/", {"file": image(), "title": '"' * 81}))
    [field] = re.findall(r'<input id="id_title"[^>]*>', text)
    assert f'value="{"&#34;" * 81}"' in field
    assert 'aria-invalid="true" aria-describedby="id_title_error"' in field
    assert '<ul class="errorlist" id="id_title_error"><li>' in text
