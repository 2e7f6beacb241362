"""Storage that is full, lost, or the wrong one."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from botocore.stub import Stubber
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import StorageError
from mayfly.storage.s3.storage import S3UploadStorage
from mayfly.uploads import lifecycle
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import STANDING, State
from mayfly.uploads.ids import new_id
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload
from mayfly.uploads.reconcile import Braked

from ...support.broken import Wrapped, down, storage_class
from ...support.making import arrive, begin, empty_storage, forget, ready
from ...support.storages import MINUTE

pytest_plugins = ["tests.support.storages"]

pytestmark = pytest.mark.django_db


def rows(count: int) -> list[Upload]:
    """Live uploads that exist only in the table."""
    now = timezone.now()
    later, life = now + timedelta(minutes=15), timedelta(minutes=15)
    more = {"box": new_id(), "kind": "file", "state": State.READY, "size": 5, "part_size": 8, "lifetime": life}
    return Upload.objects.bulk_create(
        Upload(name="a.txt", completed_at=now, expires_at=later, **more) for _ in range(count)
    )


def test_a_wrong_bucket_costs_no_row(tmp_path):
    """Case 48: it answers, and has none of our uploads, whether they are few or many."""
    other = FolderUploadStorage(tmp_path / "other")
    other.prepare()
    for count in (1, limits.reconcile_most):
        rows(count)
        with pytest.raises(Braked, match=f"{Upload.objects.count()} of {Upload.objects.count()}: rows"):
            comparison.reconcile(storage=other)
    assert not Upload.objects.exclude(state=State.READY).exists()


def blind() -> Wrapped:
    """Storage seen through a bug of ours: it seems to be empty."""
    return Wrapped(objects=lambda prefix, **after: iter(()), absent=set)


def old() -> Wrapped:
    """Storage whose objects and transfers all seem to be three days old."""
    since = timezone.now() - timedelta(days=3)

    def listing(method):
        return lambda prefix, **after: (
            replace(found, since=since) for found in getattr(storage, method)(prefix, **after)
        )

    return Wrapped(objects=listing("objects"), transfers=listing("transfers"))


@pytest.mark.parametrize("most", ["rows", "objects", "transfers"])
def test_a_bug_that_would_remove_everything_removes_nothing(most):
    """Case 49: too many differences on one side stop the removal on every side."""
    empty_storage()
    count = limits.reconcile_most + 2
    whole, begun = [ready() for _ in range(count)], [arrive(begin()) for _ in range(count)]
    storage.remove([whole[0].key])  # this difference is real
    forget(whole if most == "objects" else begun if most == "transfers" else [])
    with pytest.raises(Braked, match=most):
        comparison.reconcile(storage=blind() if most == "rows" else old())
    assert len(list(storage.objects("uploads/"))) == count - 1
    assert len(list(storage.transfers("uploads/"))) == count
    assert not Upload.objects.exclude(state__in=STANDING).exists()


def test_an_unmounted_folder_costs_no_row(tmp_path):
    """Case 48."""
    rows(3)
    with pytest.raises(StorageError):
        comparison.reconcile(storage=FolderUploadStorage(tmp_path / "nowhere"))
    assert not Upload.objects.exclude(state=State.READY).exists()


def test_a_missing_bucket_costs_no_row(s3_options):
    """Case 48."""
    rows(3)
    with pytest.raises(StorageError):
        comparison.reconcile(storage=S3UploadStorage(**s3_options | {"bucket_name": "mayfly-no-such-bucket"}))
    assert not Upload.objects.exclude(state=State.READY).exists()


def test_every_page_of_a_listing_is_read(s3_options):
    """Case 53: S3 lists a thousand entries a page."""
    s3 = S3UploadStorage(**s3_options)
    keys = [f"uploads/{number:022}" for number in range(2001)]
    since, place = timezone.now(), {"Bucket": s3.bucket_name, "Prefix": "uploads/"}
    objects = [{"Key": key, "LastModified": since} for key in keys]
    transfers = [{"Key": key, "UploadId": "1", "Initiated": since} for key in keys]
    with Stubber(s3.client) as answers:
        for call, name, found, first, after, last in (
            (
                "list_objects_v2",
                "Contents",
                objects,
                {"StartAfter": "uploads/!"},
                ["ContinuationToken"],
                ["NextContinuationToken"],
            ),
            (
                "list_multipart_uploads",
                "Uploads",
                transfers,
                {"KeyMarker": "uploads/!"},
                ["KeyMarker", "UploadIdMarker"],
                ["NextKeyMarker", "NextUploadIdMarker"],
            ),
        ):
            start = place | first
            answers.add_response(call, {name: found[:1000], "IsTruncated": True} | dict.fromkeys(last, "1"), start)
            middle = {name: found[1000:2000], "IsTruncated": True} | dict.fromkeys(last, "2")
            answers.add_response(call, middle, start | dict.fromkeys(after, "1"))
            end = {name: found[2000:], "IsTruncated": False}
            answers.add_response(call, end, start | dict.fromkeys(after, "2"))
        assert [found.key for found in s3.objects("uploads/", after="uploads/!")] == keys
        assert [found.key for found in s3.transfers("uploads/", after="uploads/!")] == keys
        answers.assert_no_pending_responses()


def test_a_full_disk_refuses_a_part_and_the_transfer_continues_later(local, world, monkeypatch):
    """Case 54."""
    content = random.randbytes(1000)
    transfer_id = local.open_transfer("uploads/full", content_type=OCTETS)
    signed = local.sign_part("uploads/full", transfer_id, 1, len(content), lifetime=MINUTE)

    def full(*arguments, **more):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("mayfly.storage.folder.storage.open", full, raising=False)
        answer = world.put(signed.url, content)
    assert answer.status == 503
    assert b"Try again" in answer.body
    assert b"space" not in answer.body
    assert world.put(signed.url, content).status == 200
    local.complete_transfer("uploads/full", transfer_id, local.parts("uploads/full", transfer_id).values())
    assert local.first_bytes("uploads/full", 9999) == content


def test_streams_through_web_need_no_disk(owner, settings):
    """Case 54: web writes no form and no `curl -T` to a disk, whatever its length."""
    settings.FILE_UPLOAD_TEMP_DIR = "/nowhere"
    content = random.randbytes(3 * settings.FILE_UPLOAD_MAX_MEMORY_SIZE)
    files = [SimpleUploadedFile(name, content) for name in ("a.txt", "b.txt")]
    assert owner.browser.post("/files/", {"file": files}).status_code == 303
    assert Client().put("/c.txt", content).status_code == 201
    assert [upload.size for upload in Upload.objects.live()] == [len(content)] * 3


def test_full_storage_is_reported_and_leaves_nothing_pending(owner, monkeypatch):
    """Case 54: by form, curl and API, when a part cannot be written."""
    with monkeypatch.context() as broken:
        broken.setattr(storage_class(), "write_part", down)
        form = owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"hello")})
        assert (form.status_code, b"Storage does not answer" in form.content) == (503, True)
        curl = Client().put("/a.txt", b"hello")
        assert (curl.status_code, b"Storage does not answer" in curl.content) == (503, True)
        broken.setattr(storage_class(), "open_transfer", down)
        api = owner.post("/api/uploads", {"kind": "file", "name": "a.txt", "size": 5})
        assert (api.status_code, api["Retry-After"]) == (503, "60")
    assert not Upload.objects.exists()
    assert owner.upload()["state"] == "ready"


def test_the_first_download_after_a_loss_of_storage_gets_410(owner):
    """Case 55: a link answers that its upload is gone, instead of redirecting to an error of the bucket."""
    uploads = [owner.upload() for _ in range(3)]
    storage.remove([f"uploads/{upload['id']}" for upload in uploads])
    for upload in uploads:
        assert Client().get(f"/u/{upload['id']}/download").status_code == 410
        assert Client().get(f"/u/{upload['id']}/").status_code == 410
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}
    assert owner.upload()["state"] == "ready"


def test_rows_without_objects_are_removed_at_their_deadline(owner):
    """Case 55: reconcile brakes if so many are lost at once, and the sweep removes a row without its object."""
    lost = rows(limits.reconcile_most + 1)
    with pytest.raises(Braked):
        comparison.reconcile(storage=storage)
    Upload.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert lifecycle.sweep(storage=storage).removed == len(lost)
    assert set(Upload.objects.values_list("state", flat=True)) == {State.GONE}
