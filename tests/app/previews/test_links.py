"""The address of a preview."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.storage import default_storage as storage
from django.db.models.functions import Now
from django.test import Client

from mayfly.previews import tasks
from mayfly.uploads import opening
from mayfly.uploads.models import Upload
from mayfly.uploads.opening import Visitor
from mayfly.uploads.tasks import sweep

from ...support.broken import Wrapped
from ...support.images import image, with_preview
from ...support.making import expire
from ...support.people import body_of, fetch
from ...support.pictures import opened

pytestmark = pytest.mark.django_db


def test_the_api_links_the_preview_once_it_exists(owner):
    upload = image(owner)
    assert owner.get(f"/api/uploads/{upload.pk}").json()["preview"] is None
    assert Client().get(f"/u/{upload.pk}/preview").status_code == 404
    tasks.waiting_previews()
    address = f"http://testserver/u/{upload.pk}/preview"
    assert owner.get(f"/api/uploads/{upload.pk}").json()["preview"] == address
    assert owner.get("/api/uploads").json()["uploads"][0]["preview"] == address


def test_the_link_redirects_to_the_preview(owner):
    upload = with_preview(owner)
    response = Client().get(f"/u/{upload.pk}/preview")
    assert response.status_code == 302
    assert "no-store" in response["Cache-Control"]
    answer = fetch(response["Location"])
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.headers["Cache-Control"] == "no-store"
    if hasattr(answer, "wsgi_request"):  # the app's own origin
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert opened(body_of(answer)).width == 640


def test_a_preview_answers_410_once_its_image_has_expired(owner):
    upload = with_preview(owner)
    expire(upload)
    assert Client().get(f"/u/{upload.pk}/preview").status_code == 410
    sweep()
    assert Client().get(f"/u/{upload.pk}/preview").status_code == 410
    assert Client().get(f"/u/{'x' * 22}/preview").status_code == 404
    assert Client().get(f"/u/{owner.upload()['id']}/preview").status_code == 404
    assert Client().post(f"/u/{upload.pk}/preview").status_code == 405


@pytest.mark.parametrize(("left", "most"), [(10, 10), (600, 60)])
def test_a_signed_preview_url_ends_with_its_image_or_after_a_minute(owner, left, most):
    upload = with_preview(owner)
    Upload.objects.filter(pk=upload.pk).update(expires_at=Now() + timedelta(seconds=left))
    lifetimes = []

    def sign_preview(key, *, lifetime):
        lifetimes.append(lifetime)
        return storage.sign_preview(key, lifetime=lifetime)

    opening.preview_url(upload.pk, Visitor(), storage=Wrapped(sign_preview=sign_preview))
    assert timedelta(seconds=most - 2) < lifetimes[0] <= timedelta(seconds=most)


def test_a_signed_preview_url_gives_only_the_preview(owner):
    upload = with_preview(owner)
    location = Client().get(f"/u/{upload.pk}/preview")["Location"]
    if location.startswith("/"):
        other = location.replace("/storage/previews/", "/storage/objects/")
        assert Client().get(other).status_code == 403
    else:
        assert parse_qs(urlsplit(location).query)["response-content-type"] == ["image/webp"]
        assert fetch(location.replace("image%2Fwebp", "text%2Fhtml")).status_code == 403
