"""HEAD on a download and a preview: answered here, as a GET would be answered by storage."""

import pytest
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.storage.protocol import StorageError
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from ...support.broken import storage_class
from ...support.images import image, with_preview
from ...support.making import expire
from ...support.people import body_of, fetch

pytestmark = pytest.mark.django_db(transaction=True)

SAME = ("Content-Length", "Content-Type", "Content-Disposition")


def assert_head_and_get_agree(path: str) -> None:
    head, get = Client().head(path), Client().get(path)
    assert (head.status_code, get.status_code) == (200, 302)
    assert "Location" not in head
    assert "no-store" in head["Cache-Control"]
    given = fetch(get["Location"])
    assert [head[name] for name in SAME if name in given.headers] == [
        given.headers[name] for name in SAME if name in given.headers
    ]
    assert int(head["Content-Length"]) == len(body_of(given))


@pytest.mark.parametrize("name", ["a.txt", 'naïve "1".txt', "写真.jpg"])
def test_head_of_a_download_describes_what_get_gives(owner, name):
    upload = owner.upload(b"hello", name=name)
    assert_head_and_get_agree(f"/u/{upload['id']}/download")
    assert Client().head(f"/u/{upload['id']}/download")["Content-Disposition"].startswith("attachment; filename=")


def test_head_of_an_image_and_its_preview_describes_what_get_gives(owner):
    upload = with_preview(owner)
    assert_head_and_get_agree(f"/u/{upload.pk}/download")
    assert_head_and_get_agree(f"/u/{upload.pk}/preview")
    assert Client().head(f"/u/{upload.pk}/preview")["Content-Type"] == "image/webp"


def test_head_signs_no_url(owner, monkeypatch):
    upload = with_preview(owner)
    for call in ("sign_download", "sign_preview"):
        monkeypatch.delattr(storage_class(), call)
    for route in ("download", "preview"):
        assert Client().head(f"/u/{upload.pk}/{route}").status_code == 200


@pytest.mark.parametrize("route", ["download", "preview"])
def test_head_ends_with_the_upload_as_get_does(owner, route):
    pending, live = owner.begin(), with_preview(owner)
    removed, expired = with_preview(owner), with_preview(owner)
    owner.delete(f"/api/uploads/{removed.pk}")
    expire(expired)
    for pk, status in (("x" * 22, 404), (pending["id"], 404), (removed.pk, 410), (expired.pk, 410), (live.pk, 200)):
        response = Client().head(f"/u/{pk}/{route}")
        assert response.status_code == status
        assert live.name not in str(response.headers) or status == 200


def test_head_of_a_preview_that_is_not_made_gets_404(owner):
    assert Client().head(f"/u/{image(owner).pk}/preview").status_code == 404


def test_head_of_a_lost_object_gets_410(owner):
    upload = Upload.objects.get(pk=owner.upload()["id"])
    storage.remove([upload.key])
    assert Client().head(f"/u/{upload.pk}/download").status_code == 410
    upload.refresh_from_db()
    assert upload.state != State.READY


@pytest.mark.parametrize("route", ["download", "preview"])
def test_head_says_that_storage_is_down(owner, monkeypatch, route):
    upload = with_preview(owner)

    def down(*_, **__):
        raise StorageError("time-out")

    with monkeypatch.context() as patch:
        patch.setattr(storage_class(), "length", down)
        response = Client().head(f"/u/{upload.pk}/{route}")
    assert (response.status_code, response["Retry-After"]) == (503, "60")
