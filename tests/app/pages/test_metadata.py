"""Camera data and location of images, as pages and the API show and offer them."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mayfly.previews import tasks
from mayfly.problems import problem_of
from mayfly.uploads.errors import Preparing
from mayfly.uploads.models import Upload

from ...support.people import body_of, fetch
from ..cameras import camera_jpeg, secrets_in

pytestmark = pytest.mark.django_db

PHOTO = camera_jpeg(6)
FIELD = '<input type="checkbox" name="metadata" value="keep"'


def page(response) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def sent_by_form(owner, **fields: str) -> Upload:
    photo = SimpleUploadedFile("cat.jpg", PHOTO, "image/jpeg")
    assert owner.browser.post("/images/", {"file": photo} | fields).status_code == 303
    return Upload.objects.get(box=owner.box)


@pytest.mark.parametrize("who", ["stranger", "owner"])
def test_a_download_waits_until_its_image_is_clean(owner, who):
    """Case 101: for the owner too, who passes it on."""
    upload = owner.upload(PHOTO, kind="image")
    assert upload["metadata"] == "cleaning"
    browser = owner.browser if who == "owner" else Client()
    address = f"/u/{upload['id']}/download"
    for answer in (browser.get(address), browser.head(address)):
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")
        assert "Location" not in answer
    assert "Camera data and location are being removed from this image." in browser.get(address).content.decode()
    tasks.waiting_previews()
    offered = body_of(fetch(browser.get(address)["Location"]))
    assert not secrets_in(offered)
    assert int(browser.head(address)["Content-Length"]) == len(offered)
    shown = owner.get(f"/api/uploads/{upload['id']}").json()
    assert (shown["metadata"], shown["size"]) == ("cleaned", len(offered))
    assert "Camera data and location were removed." in page(browser.get(f"/u/{upload['id']}/"))


def test_a_page_that_waits_for_a_clean_image_loads_itself_again(owner):
    upload = owner.upload(PHOTO, kind="image")
    waiting = Client().get(f"/u/{upload['id']}/download")
    assert '<meta http-equiv="refresh" content="2"' in waiting.content.decode()


def test_a_program_that_waits_for_a_clean_image_gets_a_code():
    problem = problem_of(Preparing())
    assert (problem.status, problem.code, problem.headers) == (503, "preparing", {"Retry-After": "2"})


def test_the_api_keeps_metadata_if_it_is_asked_to(owner):
    upload = owner.upload(PHOTO, kind="image", metadata="keep")
    assert upload["metadata"] == "kept"
    assert body_of(fetch(Client().get(f"/u/{upload['id']}/download")["Location"])) == PHOTO
    assert "are kept in it" in page(owner.browser.get(f"/u/{upload['id']}/"))
    assert "are kept in it" not in page(Client().get(f"/u/{upload['id']}/"))


def test_the_api_knows_no_other_choice(owner):
    answer = owner.post("/api/uploads", {"kind": "image", "name": "a", "size": 5, "metadata": "some"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "metadata")


def test_a_form_keeps_metadata_only_if_its_box_is_ticked(owner, stranger):
    assert sent_by_form(owner).metadata == "cleaning"
    assert sent_by_form(stranger, metadata="keep").metadata == "kept"


def test_both_pages_say_what_becomes_of_metadata(owner):
    images, files = page(owner.browser.get("/images/")), page(owner.browser.get("/files/"))
    assert FIELD in images
    assert "Camera data and location are removed." in images
    assert FIELD not in files
    assert "Files stay as they are, with all that is in them." in files
