"""The hash of contents, and the block of what has one."""

from datetime import timedelta
from hashlib import sha256

import pytest
from django.core.files.storage import default_storage as storage
from django.db.models.functions import Now
from django.test import Client

from mayfly.abuse import blocks, digests
from mayfly.abuse.models import Report
from mayfly.abuse.tasks import digest_contents
from mayfly.storage.protocol import StorageError
from mayfly.uploads.choices import End, State
from mayfly.uploads.models import Upload

from ...support.making import ready, ready_row
from ...support.samples import PNG

pytestmark = pytest.mark.django_db
HELLO = sha256(b"hello").hexdigest()
BLOCKS = "/admin/abuse/block/"


def test_a_content_is_hashed_once_it_is_ready():
    upload = ready(b"hello" * 100_000)
    assert "1 contents hashed" in digest_contents()
    assert "0 contents hashed" in digest_contents()
    upload.refresh_from_db()
    assert upload.sha256 == sha256(b"hello" * 100_000).hexdigest()


def test_visitors_do_not_see_the_hash(owner):
    pk = owner.upload()["id"]
    digest_contents()
    assert Upload.objects.get(pk=pk).sha256 == HELLO
    for answer in (owner.browser.get(f"/u/{pk}/"), owner.request("GET", f"/api/uploads/{pk}")):
        assert HELLO not in answer.content.decode()


def test_a_receipt_has_no_hash(owner):
    upload = Upload.objects.get(pk=owner.upload()["id"])
    digest_contents()
    owner.request("DELETE", f"/api/uploads/{upload.pk}")
    upload.refresh_from_db()
    assert (upload.state, upload.sha256) == (State.GONE, "")


def test_a_large_content_is_not_read(monkeypatch):
    monkeypatch.setattr("mayfly.uploads.models.DIGESTED", 4)
    ready()
    assert not Upload.objects.wanting_a_digest().exists()
    assert "0 contents hashed" in digest_contents()


def test_a_storage_that_is_too_slow_is_asked_three_times(monkeypatch):
    """Case 111."""
    upload = ready()
    monkeypatch.setattr(digests, "READ_SECONDS", -1)
    for attempt in (1, 2, 3):
        assert digests.digest_due(storage=storage) == 0
        upload.refresh_from_db()
        assert upload.digest_attempts == attempt
        if attempt < 3:
            Upload.objects.update(digest_due_at=Now())
    assert (upload.sha256, upload.digest_due_at) == ("", None)


def test_a_storage_that_fails_is_asked_again_later(monkeypatch):
    upload = ready()

    def fail(*_):
        raise StorageError("away")
        yield

    with monkeypatch.context() as broken:
        broken.setattr(type(storage._wrapped), "read", fail)
        assert digests.digest_due(storage=storage) == 0
    assert digests.digest_due(storage=storage) == 0  # the claim stands
    Upload.objects.update(digest_due_at=Now() - timedelta(seconds=1))
    assert digests.digest_due(storage=storage) == 1
    upload.refresh_from_db()
    assert upload.sha256 == HELLO


def test_a_blocked_content_is_removed_once_its_hash_is_known(owner):
    """Cases 42 and 111."""
    blocks.block(HELLO, lasts=None)
    upload = Upload.objects.get(pk=owner.upload()["id"])
    digest_contents()
    upload.refresh_from_db()
    assert (upload.state, upload.ended) == (State.GONE, End.OPERATOR)
    assert storage.length(upload.key) is None
    refused = owner.request("GET", f"/api/uploads/{upload.pk}")
    assert refused.status_code == 422
    assert "does not allow this content" in refused.json()["error"]["message"]
    assert "Deleted by the operator" in Client().get(f"/u/{upload.pk}/").content.decode()


def test_a_blocked_image_with_a_preview_is_removed_too(owner):
    """Case 111."""
    blocks.block(sha256(PNG).hexdigest(), lasts=None)
    owner.upload(PNG, kind="image", name="cat.png")
    Upload.objects.update(has_preview=True)
    digest_contents()
    assert not Upload.objects.live().exists()
    assert "does not allow this content" in owner.browser.get("/images/").content.decode()


def test_blocking_a_content_removes_what_has_it_already(operator, owner):
    """Cases 42 and 111."""
    first, second = (owner.upload()["id"] for _ in range(2))
    other = owner.upload(b"other")["id"]
    digest_contents()
    form = operator.get(f"{BLOCKS}add/", {"value": HELLO}).content.decode()
    assert f'value="{HELLO}"' in form
    operator.post(f"{BLOCKS}add/", {"value": HELLO.upper(), "lasts": ""})
    assert set(Upload.objects.gone().values_list("pk", flat=True)) == {first, second}
    assert Upload.objects.live().get().pk == other
    assert "2 uploads are no longer offered." in operator.get(BLOCKS).content.decode()


def test_a_report_keeps_what_a_block_needs_beyond_the_upload(operator, owner):
    """Case 42."""
    pk = owner.upload()["id"]
    Client().post(f"/u/{pk}/report", {"reason": "malware"})
    sender = Upload.objects.get(pk=pk).address
    digest_contents()
    owner.request("DELETE", f"/api/uploads/{pk}")
    report = Report.objects.get()
    assert (report.sha256, report.sender) == (HELLO, sender)
    text = operator.get("/admin/abuse/report/").content.decode()
    for value in (HELLO, sender):
        assert f'href="{BLOCKS}add/?value={value}"' in text


def test_the_page_of_an_upload_leads_to_blocks_of_it(operator):
    upload = ready_row(sha256=HELLO, address="a" * 22)
    text = operator.get(f"/admin/uploads/upload/{upload.pk}/change/").content.decode()
    for value in (HELLO, "a" * 22):
        assert f'href="{BLOCKS}add/?value={value}"' in text


def test_the_hash_waits_until_an_image_is_clean(owner):
    upload = ready(box=owner.box)
    Upload.objects.filter(pk=upload.pk).update(digest_due_at=Now(), cleaning_due_at=Now())
    assert digests.digest_due(storage=storage) == 0
    Upload.objects.filter(pk=upload.pk).update(cleaning_due_at=None)
    assert digests.digest_due(storage=storage) == 1
