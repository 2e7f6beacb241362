"""Download all as ZIP."""

import io
from zipfile import ZipFile

import pytest
from django.db.models.functions import Now
from django.test import Client

from mayfly.pages import bundle_zip
from mayfly.storage.protocol import StorageError
from mayfly.uploads.models import Upload

from ...support.broken import storage_class
from ...support.making import expire
from ...support.people import body_of
from ...support.samples import PNG
from ...support.senders import saved_as

pytestmark = pytest.mark.django_db(transaction=True)

CONTENTS = {"a.txt": b"hello", "b.txt": b"more"}


@pytest.fixture
def bundle(owner) -> dict:
    return owner.bundle(CONTENTS, title="For Ada")


def get(bundle: dict, method: str = "get", **headers: str):
    return getattr(Client(), method)(f"/b/{bundle['id']}/zip", headers=headers)


def test_all_uploads_come_as_one_zip(bundle):
    assert bundle["zip"] == f"http://testserver/b/{bundle['id']}/zip"
    answer = get(bundle)
    whole = body_of(answer)
    assert answer.status_code == 200
    assert (answer["Content-Type"], answer["Accept-Ranges"]) == ("application/zip", "none")
    assert int(answer["Content-Length"]) == len(whole)
    assert saved_as(answer["Content-Disposition"]) == "For Ada.zip"
    assert answer["Cache-Control"] == "no-store, private"
    with ZipFile(io.BytesIO(whole)) as opened:
        assert {info.filename: opened.read(info) for info in opened.infolist()} == CONTENTS


def test_a_range_of_a_zip_gets_the_whole(bundle):
    answer = get(bundle, Range="bytes=5-9")
    assert answer.status_code == 200
    assert len(body_of(answer)) == int(answer["Content-Length"])


def test_a_head_says_how_long_the_zip_is_and_counts_nothing(owner, bundle):
    answer = get(bundle, "head")
    assert int(answer["Content-Length"]) == len(body_of(get(bundle)))
    assert answer["Accept-Ranges"] == "none"


def test_a_zip_counts_as_a_fetch_of_each_upload(owner, bundle):
    get(bundle, "head")
    body_of(get(bundle))
    fetched = [upload["fetched"]["count"] for upload in owner.get(f"/api/bundles/{bundle['id']}").json()["uploads"]]
    assert fetched == [1, 1]


def test_a_bundle_above_the_limit_offers_its_files_one_by_one(owner, bundle, limits):
    limits(zip_size=8)
    answer = get(bundle)
    assert answer.status_code == 413
    assert "Download them one by one." in answer.content.decode()
    page = Client().get(f"/b/{bundle['id']}/").content.decode()
    assert f'href="/b/{bundle["id"]}/zip"' not in page
    assert all(f'href="/u/{upload["id"]}/download"' in page for upload in bundle["uploads"])
    assert owner.get(f"/api/bundles/{bundle['id']}").json()["zip"] is None


def test_an_expired_bundle_has_no_zip(bundle):
    for upload in bundle["uploads"]:
        expire(upload)
    for method in ("get", "head"):
        assert get(bundle, method).status_code == 410


def test_only_so_many_zips_are_made_at_once(bundle, monkeypatch):
    """Case 99."""
    monkeypatch.setattr(bundle_zip, "_room", bundle_zip.Room(threads=3))
    first = get(bundle)
    refused = get(bundle)
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    body_of(first)
    first.close()
    again = get(bundle)
    assert again.status_code == 200
    again.close()  # also one that was not read has its place back
    assert get(bundle).status_code == 200


def test_a_zip_whose_upload_is_lost_breaks_off(bundle, monkeypatch):
    """Case 100."""

    def lost(*_) -> bytes:
        raise StorageError("NoSuchKey")

    monkeypatch.setattr(storage_class(), "bytes_at", lost)
    with pytest.raises(ConnectionResetError):
        body_of(get(bundle))


def test_a_zip_waits_until_every_image_is_cleaned(owner):
    """Case 101. A HEAD learns no length either, and a limited download is not taken."""
    bundle = owner.bundle({"a.png": PNG, "b.png": PNG}, kind="image", downloads=1)
    waiting = Upload.objects.filter(pk=bundle["uploads"][0]["id"])
    waiting.update(cleaning_due_at=Now())
    for method in ("head", "post"):
        answer = get(bundle, method)
        assert (answer.status_code, "Content-Disposition" in answer) == (503, False)
    assert owner.browser.get(f"/b/{bundle['id']}/zip").status_code == 503
    assert owner.get(f"/api/bundles/{bundle['id']}").json()["downloads"]["taken"] == 0
    waiting.update(cleaning_due_at=None)
    assert get(bundle, "post").status_code == 303
