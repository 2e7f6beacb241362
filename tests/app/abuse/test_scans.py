"""The virus check: nothing is offered before it, and what it finds is removed."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db.models.functions import Now
from django.test import Client

from mayfly.abuse.tasks import scan_uploads
from mayfly.uploads.choices import End, State
from mayfly.uploads.models import Upload

from ...support.clamd import KINDS, SIGNATURE, clamd
from ...support.configuration import complaint, show
from ...support.people import body_of, fetch
from ...support.ports import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    with clamd(KINDS[-1], tmp_path_factory.mktemp("clamd")) as url:
        yield url


@pytest.fixture
def checking(settings, limits, address) -> None:
    settings.CLAMD_URL = address
    limits(scans=True)


def test_an_upload_is_offered_once_it_is_checked(checking, owner):
    """Case 42."""
    pk = owner.upload(b"hello")["id"]
    for client in (Client(), owner.browser):
        refused = client.get(f"/u/{pk}/download")
        assert refused.status_code == 503
        assert "virus check" in refused.content.decode()
        assert 'hx-select="#scan"' in client.get(f"/u/{pk}/").content.decode()
    assert "1 uploads checked" in scan_uploads()
    assert 'hx-select="#scan"' not in Client().get(f"/u/{pk}/").content.decode()
    assert body_of(fetch(Client().get(f"/u/{pk}/download")["Location"])) == b"hello"


def test_an_upload_with_a_signature_is_removed_with_words(checking, owner):
    """Case 42."""
    upload = Upload.objects.get(pk=owner.upload(SIGNATURE)["id"])
    scan_uploads()
    upload.refresh_from_db()
    assert (upload.state, upload.ended) == (State.GONE, End.VIRUS)
    assert storage.length(upload.key) is None
    refused = owner.request("GET", f"/api/uploads/{upload.pk}")
    assert refused.status_code == 422
    assert "found harmful software" in refused.json()["error"]["message"]
    assert "the virus check found something" in Client().get(f"/u/{upload.pk}/").content.decode()


def test_nothing_is_offered_while_clamd_is_away(checking, owner, settings):
    """Case 42: the check fails closed."""
    here, settings.CLAMD_URL = settings.CLAMD_URL, f"tcp://127.0.0.1:{free_port()}"
    pk = owner.upload()["id"]
    assert "0 uploads checked" in scan_uploads()
    assert Client().get(f"/u/{pk}/download").status_code == 503
    settings.CLAMD_URL = here
    assert "0 uploads checked" in scan_uploads()  # not due yet
    Upload.objects.update(scan_due_at=Now())
    assert "1 uploads checked" in scan_uploads()
    assert Client().get(f"/u/{pk}/download").status_code == 302


def test_no_preview_is_made_before_the_check(checking, owner):
    """Case 42: a text's first lines are a part of it."""
    pk = owner.upload(b"hello\n", name="a.txt")["id"]
    assert not Upload.objects.wanting_a_preview().filter(pk=pk).exists()
    scan_uploads()
    assert Upload.objects.wanting_a_preview().filter(pk=pk).exists()


def test_the_readiness_page_says_that_uploads_wait_for_the_check(checking, owner, settings):
    assert Client().get("/health/ready").json()["scans"] == "ok"
    owner.upload()
    Upload.objects.update(completed_at=Now() - timedelta(minutes=2))
    assert Client().get("/health/ready").json()["scans"].startswith("1 uploads wait for the virus check")


def test_without_a_clamd_nothing_waits(owner):
    pk = owner.upload()["id"]
    assert Upload.objects.get(pk=pk).scan_due_at is None
    assert Client().get("/health/ready").json()["scans"] == "off"


def test_no_upload_may_be_larger_than_what_the_check_reads():
    assert show("MAX_FILE_MB", "MAX_IMAGE_MB", SECRET_KEY="x", CLAMD_URL="tcp://clamav:3310") == ["100", "64"]
    assert show("MAX_FILE_MB", SECRET_KEY="x", CLAMD_URL="tcp://clamav:3310", CLAMD_MAX_MB="20") == ["20"]
    assert "CLAMD_URL has to begin with tcp:// or unix://" in complaint(SECRET_KEY="x", CLAMD_URL="clamav:3310")
