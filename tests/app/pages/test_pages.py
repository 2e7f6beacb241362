"""The pages as a browser without JavaScript uses them, and curl -T."""

import re
from datetime import timedelta
from io import BytesIO
from urllib.parse import quote, unquote

import pytest
import segno
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import encode_multipart

from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from ..conftest import PNG, Person, body_of, expire, fetch, storage_class

pytestmark = pytest.mark.django_db(transaction=True)


def image(name: str = "dot.png", content: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def page(response) -> str:
    return response.content.decode()


# My Images and My Files


def test_only_pages_that_offer_an_upload_load_the_bundle(owner):
    upload = owner.upload()
    for path, offers in [("/images/", True), ("/files/", True), (f"/u/{upload['id']}/", False), ("/nowhere/", False)]:
        assert ("mayfly/bundle/upload" in page(owner.browser.get(path))) == offers, path


@pytest.mark.parametrize(("path", "most"), [("/images/", 64_000_000), ("/files/", 4_096_000_000)])
def test_the_form_tells_the_script_what_may_be_sent(path, most):
    form = page(Client().get(path))
    assert f'data-most="{most}"' in form
    assert 'data-api="/api/uploads"' in form
    assert 'data-live="/health/live"' in form


def test_the_home_page_leads_to_my_images():
    response = Client().get("/")
    assert (response.status_code, response["Location"]) == (302, "/images/")


@pytest.mark.parametrize("path", ["/images/", "/files/"])
def test_an_empty_page_says_so_and_gives_a_box(path):
    browser = Client()
    response = browser.get(path)
    assert response.status_code == 200
    assert 'class="empty"' in page(response)
    cookie = browser.cookies[boxes.COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert boxes.COOKIE not in browser.get(path).cookies  # one is enough


def test_an_image_sent_by_form_is_shown_with_its_time_left(owner):
    browser = owner.browser
    response = browser.post("/images/", {"file": image("a <b>.png"), "title": ""})
    assert (response.status_code, response["Location"]) == (303, "/images/")
    text = page(browser.get("/images/"))
    assert "1 upload is here." in text
    assert "a &lt;b&gt;.png" in text
    assert "14 minutes left" in text
    upload = Upload.objects.get()
    assert (upload.state, upload.size, upload.content_type) == (State.READY, len(PNG), "image/png")
    assert storage.first_bytes(upload.key, 1000) == PNG


def test_several_files_come_at_once_with_one_title(owner):
    files = [SimpleUploadedFile(f"{number}.txt", b"x" * number) for number in (1, 2, 3)]
    owner.browser.post("/files/", {"file": files, "title": "notes"})
    rows = Upload.objects.of(owner.box).live().values_list("name", "size", "title")
    assert set(rows) == {("1.txt", 1, "notes"), ("2.txt", 2, "notes"), ("3.txt", 3, "notes")}


def test_of_four_images_the_newest_three_are_shown(owner):
    browser = owner.browser
    for number in range(1, 5):
        browser.post("/images/", {"file": image(f"dot{number}.png")})
    text = page(browser.get("/images/"))
    assert "dot1.png" not in text
    assert text.index("dot4.png") < text.index("dot3.png") < text.index("dot2.png")


def test_which_image_goes_when_another_comes_is_said(owner):
    browser = owner.browser
    for number in (1, 2, 3):
        assert "Goes when a new image comes" not in page(browser.get("/images/"))
        browser.post("/images/", {"file": image(f"dot{number}.png")})
    _, _, last = page(browser.get("/images/")).partition("dot1.png")
    assert "Goes when a new image comes" in last


def test_the_newest_file_comes_first_with_its_download_link(owner):
    browser = owner.browser
    for name in ("old.txt", "new.txt"):
        browser.post("/files/", {"file": SimpleUploadedFile(name, b"x")})
    newest = Upload.objects.get(name="new.txt")
    text = page(browser.get("/files/"))
    assert text.index(f'href="/u/{newest.pk}/download"') < text.index("old.txt")
    assert f'value="http://testserver/u/{newest.pk}/"' in text


def test_a_link_comes_as_a_qr_code_until_it_is_gone(owner):
    upload = owner.upload()
    address = f"/u/{upload['id']}/qr.svg"
    assert address in page(owner.browser.get("/files/"))
    response = Client().get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "image/svg+xml")
    expected = BytesIO()
    segno.make(upload["link"], error="m", micro=False).save(expected, kind="svg", light="#fff", omitsize=True)
    assert response.content == expected.getvalue()
    expire(upload)
    assert Client().get(address).status_code == 410


def test_clearing_removes_all_of_one_kind_from_page_and_storage(owner):
    browser = owner.browser
    browser.post("/images/", {"file": [image("1.png"), image("2.png")]})
    browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x")})
    response = browser.post("/images/clear/")
    assert (response.status_code, response["Location"]) == (303, "/images/")
    text = page(browser.get("/images/"))
    assert "2 uploads deleted." in text
    assert 'class="empty"' in text
    assert "a.txt" in page(browser.get("/files/"))
    for upload in Upload.objects.filter(kind="image"):
        assert upload.state == State.GONE
        assert storage.length(upload.key) is None


def test_another_visitor_sees_and_changes_nothing_of_mine(owner, stranger):
    owner.browser.post("/files/", {"file": SimpleUploadedFile("mine.txt", b"x")})
    upload = Upload.objects.get()
    browser = stranger.browser
    assert "mine.txt" not in page(browser.get("/files/"))
    assert browser.post(f"/u/{upload.pk}/delete").status_code == 404
    browser.post("/files/clear/")
    assert Upload.objects.live().count() == 1
    assert "Delete now" not in page(browser.get(f"/u/{upload.pk}/"))


def test_an_expired_upload_is_on_no_page(owner):
    upload = owner.upload(name="mine.txt")
    expire(upload)
    assert "mine.txt" not in page(owner.browser.get("/files/"))
    gone = Client().get(f"/u/{upload['id']}/")
    assert gone.status_code == 410
    assert "being removed" in page(gone)
    lifecycle.sweep(storage=storage)
    assert "storage answered" in page(Client().get(f"/u/{upload['id']}/"))
    assert Client().get(f"/u/{upload['id']}/download").status_code == 410


# what a form can get wrong


def test_what_is_no_image_is_refused_by_name_and_the_others_stay(owner):
    files = [image("good.png"), image("bad.png", b"<svg onload=alert(1)>")]
    response = owner.browser.post("/images/", {"file": files})
    assert response.status_code == 422
    text = page(response)
    assert "bad.png: This is not an image we can show" in text
    assert "1 upload is here." in text
    bad = Upload.objects.exclude(refusal="").get()
    assert (bad.state, storage.length(bad.key)) == (State.GONE, None)


def test_a_form_without_a_file_says_what_to_do(owner):
    response = owner.browser.post("/files/", {"title": "x"})
    assert response.status_code == 422
    assert "Choose a file first." in page(response)


def test_an_empty_file_is_refused_by_name(owner):
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("void.txt", b"")})
    assert response.status_code == 422
    assert "void.txt: This file is empty." in page(response)
    assert Upload.objects.get().state == State.GONE


def test_a_title_that_is_too_long_keeps_nothing(owner):
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x"), "title": "x" * 81})
    assert response.status_code == 422
    assert "at most 80 characters" in page(response)
    assert not Upload.objects.live().exists()
    assert Upload.objects.get().state == State.GONE


def test_a_form_above_the_limit_is_not_even_read(owner, limits):
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


def test_a_full_address_is_told_to_wait_on_the_page(owner, limits):
    limits(address_quota=3)
    response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
    assert response.status_code == 429
    assert "a.txt: All uploads from your network address can total at most" in page(response)


def test_a_form_without_its_csrf_token_is_refused_and_leaves_nothing(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    response = browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
    assert response.status_code == 403
    assert not Upload.objects.exclude(state=State.GONE).exists()


def test_a_form_with_its_csrf_token_is_taken():
    browser = Client(enforce_csrf_checks=True)
    browser.get("/files/")
    token = browser.cookies["csrftoken"].value
    form = {"csrfmiddlewaretoken": token, "file": SimpleUploadedFile("a.txt", b"hello")}
    assert browser.post("/files/", form).status_code == 303


def test_a_form_from_another_site_is_refused_before_its_files_are_read(owner):
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    response = browser.post(
        "/files/", {"file": SimpleUploadedFile("a.txt", b"x")}, headers={"Origin": "https://evil.example"}
    )
    assert response.status_code == 403
    assert not Upload.objects.exists()


@pytest.mark.parametrize("path", ["/images/clear/", "/files/clear/"])
def test_a_get_changes_nothing(owner, path):
    upload = owner.upload()
    assert owner.browser.get(path).status_code == 405
    assert owner.browser.get(f"/u/{upload['id']}/delete").status_code == 405
    assert Upload.objects.live().count() == 1


def test_a_form_that_is_cut_off_leaves_nothing(owner):
    whole = encode_multipart("BOUNDARY", {"file": SimpleUploadedFile("a.txt", b"x" * 200_000)})
    browser = Client(raise_request_exception=False)
    browser.cookies[boxes.COOKIE] = boxes.token_of(owner.box)
    cut = {"wsgi.input": BytesIO(whole[:100_000]), "CONTENT_LENGTH": str(len(whole))}
    response = browser.generic("POST", "/files/", content_type="multipart/form-data; boundary=BOUNDARY", **cut)
    assert response.status_code in (400, 403, 422)
    assert not Upload.objects.live().exists()
    assert not Upload.objects.filter(state=State.PENDING).exists()


@pytest.mark.parametrize("call", ["open_transfer", "write_part", "complete_transfer"])
def test_storage_that_is_down_is_said_in_words_and_leaves_nothing(owner, monkeypatch, call):
    def down(*_, **__):
        raise StorageError("time-out")

    with monkeypatch.context() as patch:
        patch.setattr(storage_class(), call, down)
        response = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x")})
    assert response.status_code == 422
    assert "a.txt: Storage does not answer." in page(response)
    assert not Upload.objects.exclude(state=State.GONE).exists()


# the share page and the download


def test_anybody_with_the_link_sees_and_fetches_an_upload(owner):
    upload = owner.upload(b"hello", name="a.txt", title="for you")
    response = Client().get(f"/u/{upload['id']}/")
    assert response.status_code == 200
    assert "for you" in page(response)
    download = Client().get(f"/u/{upload['id']}/download")
    assert download.status_code == 302
    assert "no-store" in download["Cache-Control"]
    assert body_of(fetch(download["Location"])) == b"hello"


def test_the_owner_deletes_from_the_share_page(owner):
    upload = owner.upload(name="a.txt")
    browser = owner.browser
    assert "Delete now" in page(browser.get(f"/u/{upload['id']}/"))
    response = browser.post(f"/u/{upload['id']}/delete")
    assert (response.status_code, response["Location"]) == (303, "/files/")
    assert "a.txt deleted." in page(browser.get("/files/"))
    assert browser.get(f"/u/{upload['id']}/").status_code == 410


@pytest.mark.parametrize("route", ["", "download"])
def test_what_never_was_is_a_404_and_what_is_pending_looks_the_same(owner, route):
    pending = owner.begin()
    assert Client().get(f"/u/{'x' * 22}/{route}").status_code == 404
    assert Client().get(f"/u/{pending['id']}/{route}").status_code == 404


@pytest.mark.parametrize("pk", ["../etc", "x" * 5000, "%00", "a\u202eb", "'; DROP TABLE"])
def test_an_id_that_is_none_is_a_404(pk):
    assert Client().get(f"/u/{quote(pk, safe='%')}/").status_code == 404


def test_a_receipt_has_no_name(owner):
    upload = owner.upload(name="secret-name.txt", title="secret-title")
    owner.delete(f"/api/uploads/{upload['id']}")
    text = page(Client().get(f"/u/{upload['id']}/"))
    assert "secret" not in text


@pytest.mark.parametrize(
    "name", ['a "b"; c.txt', "naïve.txt", "写真.jpg", "🦋.png", "\u202egnp.exe", "<script>.svg", "nai\u0308ve.txt"]
)
def test_a_name_comes_back_as_it_went(owner, name):
    upload = owner.upload(name=name)
    location = Client().get(f"/u/{upload['id']}/download")["Location"]
    disposition = fetch(location).headers["Content-Disposition"]
    assert saved_as(disposition) == name


def saved_as(disposition: str) -> str:
    """The name that a browser gives the download: RFC 6266 has it prefer `filename*`."""
    if extended := re.search(r"filename\*=UTF-8''([^;]+)", disposition, re.IGNORECASE):
        return unquote(extended[1])
    return re.sub(r"\\(.)", r"\1", re.search(r'filename="((?:[^"\\]|\\.)*)"', disposition)[1])


# curl -T


def test_curl_puts_a_file_and_gets_its_link():
    response = Client().put("/notes.txt", b"hello", "application/octet-stream")
    assert response.status_code == 201
    upload = Upload.objects.get()
    assert page(response) == f"http://testserver/u/{upload.pk}/\n"
    assert (upload.name, upload.size, upload.kind, upload.state) == ("notes.txt", 5, "file", State.READY)
    token = response["X-Box-Token"]
    again = Client().put("/more.txt", b"x", headers={"X-Box-Token": token})
    assert again["X-Box-Token"] == token
    assert Upload.objects.of(upload.box).live().count() == 2


@pytest.mark.parametrize("name", ["写真.jpg", "a b.txt", "..", "a%2Fb".replace("%2F", "\\")])
def test_curl_keeps_the_name(name):
    response = Client().put(f"/{quote(name)}", b"hello")
    assert response.status_code == 201
    assert Upload.objects.get().name == name


def test_curl_with_a_forged_token_is_a_401():
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


def test_curl_without_a_length_is_a_411():
    request = {"CONTENT_LENGTH": "", "REQUEST_METHOD": "PUT"}
    assert Client().generic("PUT", "/a.txt", **request).status_code == 411


def test_curl_cut_off_leaves_nothing(owner):
    """Case 10: the length promised more than came."""
    cut = {"wsgi.input": BytesIO(b"hel"), "CONTENT_LENGTH": "5"}
    response = Client().generic("PUT", "/a.txt", headers=owner.headers, **cut)
    assert response.status_code == 422
    assert Upload.objects.get().state == State.GONE


@pytest.mark.parametrize("method", ["get", "head", "post", "delete"])
def test_only_put_goes_to_a_name(method):
    assert getattr(Client(), method)("/notes.txt").status_code == 404


def test_a_page_typed_without_its_slash_is_found():
    assert Client().get("/files")["Location"] == "/files/"


# around the pages


def test_pages_are_not_stored_by_caches(owner):
    upload = owner.upload()
    for path in ("/images/", "/files/", f"/u/{upload['id']}/"):
        assert "no-store" in owner.browser.get(path)["Cache-Control"]


def test_errors_have_a_page_of_their_own():
    response = Client().get("/no/such/page")
    assert response.status_code == 404
    assert "There is nothing here" in page(response)


def test_a_shared_box_is_everybodys(settings):
    settings.SHARED_BOX = True
    one, other = Client(), Client()
    one.post("/files/", {"file": SimpleUploadedFile("ours.txt", b"x")})
    assert "ours.txt" in page(other.get("/files/"))
    other.post("/files/clear/")
    assert "ours.txt" not in page(one.get("/files/"))


def test_time_left_is_counted_from_the_lifetime_of_each():
    owner = Person()
    upload = owner.upload(lifetime=100)
    Upload.objects.filter(pk=upload["id"]).update(lifetime=timedelta(seconds=1000))
    assert "fade-4" in page(owner.browser.get("/files/"))
