"""A form without a script sends several files under one link."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mayfly.uploads.bundle import Bundle
from mayfly.uploads.models import Upload

from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)


def send(owner, count: int, content: bytes = b"hello", page: str = "files", **fields: str):
    files = [SimpleUploadedFile(f"{number}.png", content) for number in range(count)]
    return owner.browser.post(f"/{page}/", {"file": files, **fields})


def test_the_files_of_a_form_become_a_bundle(owner):
    answer = send(owner, 3, title="For Ada", lifetime="3600", together="1")
    assert (answer.status_code, answer["Location"]) == (303, "/files/")
    [bundle] = owner.get("/api/bundles").json()["bundles"]
    assert (bundle["state"], bundle["title"], len(bundle["uploads"])) == ("ready", "For Ada", 3)
    assert {(upload["title"], upload["expires_at"]) for upload in bundle["uploads"]} == {("", bundle["expires_at"])}


@pytest.mark.parametrize(("count", "fields"), [(1, {"together": "1"}), (2, {})])
def test_a_single_file_or_separate_ones_become_no_bundle(owner, count, fields):
    send(owner, count, title="For Ada", **fields)
    assert not Bundle.objects.exists()
    assert {upload["title"] for upload in owner.list()} == {"For Ada"}


def test_all_images_of_a_form_stay_if_they_are_together(owner):
    send(owner, 5, PNG, page="images", together="1")
    assert len(owner.list("image")) == 5
    browser = owner.browser
    files = [SimpleUploadedFile(f"{number}.png", PNG) for number in range(5)]
    text = browser.post("/images/", {"file": files, "together": "1"}, follow=True).content.decode()
    assert "<span>5 images are here.</span>" in text
    assert "Deleted to make room" not in text
    send(owner, 5, PNG, page="images")
    assert len([one for one in owner.list("image") if one["bundle"] is None]) == 3


def test_a_protection_of_a_form_is_that_of_its_bundle(owner):
    send(owner, 2, together="1", password="a song", downloads="3")
    [bundle] = owner.get("/api/bundles").json()["bundles"]
    assert (bundle["password"], bundle["downloads"]["most"]) == (True, 3)
    assert set(Upload.objects.values_list("password", "downloads_most")) == {("", None)}
    assert "0.png" not in Client().get(f"/b/{bundle['id']}/").content.decode()


def test_a_form_whose_files_are_all_refused_leaves_no_bundle_to_see(owner):
    answer = send(owner, 2, b"no image", page="images", together="1")
    assert answer.status_code == 422
    assert owner.list() == []
    assert not Upload.objects.standing().exists()
    assert owner.get("/api/bundles").json()["bundles"] == []


def test_a_form_with_one_refused_file_keeps_the_others_together(owner):
    files = [
        SimpleUploadedFile("a.png", PNG),
        SimpleUploadedFile("b.png", b"no image"),
        SimpleUploadedFile("c.png", PNG),
    ]
    answer = owner.browser.post("/images/", {"file": files, "together": "1"})
    assert answer.status_code == 422
    [bundle] = owner.get("/api/bundles").json()["bundles"]
    assert [upload["name"] for upload in bundle["uploads"]] == ["a.png", "c.png"]
