"""From a ready image to its preview, or to a refusal that its owner can read."""

import pytest
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.previews import draw, make, queue, tasks
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from ...support.images import image
from ...support.pictures import jpeg, opened

pytestmark = pytest.mark.django_db


def test_an_image_gets_a_preview_and_a_file_of_unknown_bytes_none(owner):
    upload, file = image(owner), Upload.objects.get(pk=owner.upload(b"\x00\x01")["id"])
    assert make.make_due(storage=storage) == 1
    upload.refresh_from_db()
    assert upload.has_preview
    assert upload.preview_due_at is None
    preview = opened(b"".join(storage.read(upload.preview_key)))
    assert (preview.width, preview.height) == (640, 320)
    assert storage.length(file.preview_key) is None
    assert make.make_due(storage=storage) == 0


def test_the_task_makes_due_previews(owner):
    upload = image(owner)
    tasks.waiting_previews.apply()
    upload.refresh_from_db()
    assert upload.has_preview


def test_an_undecodable_image_is_removed_and_its_owner_learns_why(owner, stranger):
    upload = image(owner, jpeg()[:-5000], name="cat.jpg")
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert storage.length(upload.key) is None
    [told] = Upload.objects.of(owner.box).live_or_refused().exclude(refusal="")
    assert told == upload
    assert "Send it as a file instead." in told.refusal
    for answer in (owner.get(f"/api/uploads/{upload.pk}"), owner.post(f"/api/uploads/{upload.pk}/complete")):
        assert answer.status_code == 422
        assert answer.json()["error"] == {"code": "refused", "message": told.why_refused}
    assert Client().get(f"/u/{upload.pk}/").status_code == 410
    assert stranger.get(f"/api/uploads/{upload.pk}").status_code == 404
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}


def test_only_completed_uploads_are_reported_as_refused(owner):
    upload = owner.begin(b"no image", kind="image")
    owner.send_parts(upload, b"no image")
    assert owner.post(f"/api/uploads/{upload['id']}/complete").status_code == 422
    image(owner)
    assert not Upload.objects.of(owner.box).live_or_refused().exclude(refusal="")


def test_a_task_begins_no_image_after_its_time(owner, monkeypatch):
    monkeypatch.setattr(make, "BEGIN_SECONDS", 0)
    image(owner)
    assert make.make_due(storage=storage) == 0
    assert queue.claim_next() is not None


def test_one_image_fits_into_the_time_limit_of_a_task():
    assert tasks.waiting_previews.soft_time_limit > make.BEGIN_SECONDS + draw.IMAGE_SECONDS
