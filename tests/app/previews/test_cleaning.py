"""An image in storage is cleaned before it is offered, whatever cuts the cleaning off."""

import time
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db.models.functions import Now

from mayfly.previews import clean, queue, tasks
from mayfly.storage.keys import UPLOADS
from mayfly.storage.protocol import StorageError, UploadStorage
from mayfly.uploads import lifecycle, opening
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import End, Kind, State
from mayfly.uploads.errors import Preparing
from mayfly.uploads.guarded import Protection
from mayfly.uploads.models import Upload

from ...support.making import begin, make_row
from ...support.pictures import gradient, jpeg
from ..cameras import camera_avif, camera_gif, camera_jpeg, camera_png, camera_webp, secrets_in
from ..cleaning.samples import cleaned
from ..pictures import chunk, with_chunks

pytest_plugins = "tests.support.storages"
pytestmark = pytest.mark.django_db(transaction=True)

CAMERAS = {
    "image/jpeg": camera_jpeg(6),
    "image/png": camera_png(6),
    "image/webp": camera_webp(6),
    "image/avif": camera_avif(),
    "image/gif": camera_gif(),
}
ANYBODY = opening.Visitor()
METHODS = ["abort_transfers", "length", "read", "open_transfer", "write_part", "complete_transfer"]


class CutOff(BaseException):
    """In place of SIGKILL."""


class Watched:
    """A storage that counts its calls, and acts before or after one of them."""

    def __init__(self, storage: UploadStorage, act=lambda: None, *, at: int = 0, before: bool = True):
        self._storage, self._act, self._at, self._before, self.calls = storage, act, at, before, 0

    def __getattr__(self, name: str):
        method = getattr(self._storage, name)

        def call(*arguments, **more):
            self.calls += 1
            is_it = self.calls == self._at
            if is_it and self._before:
                self._act()
            result = method(*arguments, **more)
            if is_it and not self._before:
                self._act()
            return result

        return call if name in METHODS else method


def cut_off() -> None:
    raise CutOff


def arrived(content: bytes, storage: UploadStorage, **more: object) -> Upload:
    """An image that has just been completed."""
    upload = begin(content, kind=Kind.IMAGE, storage=storage, **more)
    for number in range(1, upload.plan.count + 1):
        start = (number - 1) * upload.part_size
        storage.write_part(upload.key, upload.transfer_id, number, content[start : start + upload.part_size])
    return lifecycle.complete(upload, storage=storage)


def clean_now(upload: Upload, storage: UploadStorage) -> Upload:
    """Clean it as the worker does, also if another attempt has just been cut off."""
    Upload.objects.filter(pk=upload.pk, cleaning_due_at__isnull=False).update(cleaning_due_at=Now())
    clean.clean_one(upload.pk, storage=storage)
    upload.refresh_from_db()
    return upload


def content_of(upload: Upload, storage: UploadStorage) -> bytes:
    return b"".join(storage.read(upload.key))


def transfers_of(upload: Upload, storage: UploadStorage) -> list[str]:
    return [found.key for found in storage.transfers(UPLOADS) if found.key == upload.key]


@pytest.mark.parametrize("content_type", CAMERAS)
def test_what_is_offered_of_an_image_has_nothing_of_its_camera(storage, content_type):
    """Case 101."""
    content = CAMERAS[content_type]
    upload = arrived(content, storage)
    assert upload.metadata == "cleaning"
    with pytest.raises(Preparing):
        opening.download_url(upload.pk, ANYBODY, storage=storage)
    with pytest.raises(Preparing):
        opening.describe_download(upload.pk, ANYBODY, storage=storage)
    clean_now(upload, storage)
    assert (upload.metadata, upload.state, upload.content_type) == ("cleaned", State.READY, content_type)
    offered = content_of(upload, storage)
    assert offered == cleaned(content, content_type)
    assert not secrets_in(offered)
    assert upload.size == len(offered)
    assert opening.describe_download(upload.pk, ANYBODY, storage=storage).size == len(offered)
    assert opening.download_url(upload.pk, ANYBODY, storage=storage)
    assert not transfers_of(upload, storage)


def test_an_image_that_is_not_clean_yet_costs_no_download(storage):
    protection = Protection.chosen(password="", downloads=1)
    upload = arrived(CAMERAS["image/jpeg"], storage, protection=protection)
    with pytest.raises(Preparing):
        opening.take_download(upload.pk, ANYBODY, storage=storage)
    assert clean_now(upload, storage).downloads_taken == 0
    assert opening.take_download(upload.pk, ANYBODY, storage=storage).counted == upload


def test_an_image_of_several_parts_is_cleaned(storage):
    noise = chunk(b"IDAT", bytes(range(256)) * 40_000)
    content = with_chunks(camera_png(1), noise)
    upload = arrived(content, storage)
    assert upload.plan.count > 1
    clean_now(upload, storage)
    assert content_of(upload, storage) == cleaned(content, "image/png", 65_536)


def test_a_small_image_without_metadata_is_offered_at_once(storage):
    watched = Watched(storage)
    upload = arrived(jpeg(), watched)
    calls = watched.calls
    assert (upload.metadata, upload.cleaning_due_at) == (None, None)
    assert opening.download_url(upload.pk, ANYBODY, storage=storage)
    clean_now(upload, watched)
    assert watched.calls == calls


def test_a_large_image_without_metadata_is_read_once_and_not_written(storage):
    content = jpeg(gradient(4000, 2000), Q=95)
    assert len(content) > 65_536
    upload = arrived(content, storage)
    assert upload.metadata == "cleaning"
    watched = Watched(storage)
    clean_now(upload, watched)
    assert (upload.metadata, upload.size) == (None, len(content))
    assert watched.calls == len(["abort_transfers", "length", "read"])
    assert content_of(upload, storage) == content


def test_an_image_whose_sender_keeps_its_metadata_is_offered_as_it_is(storage):
    content = CAMERAS["image/jpeg"]
    upload = arrived(content, storage, keep_metadata=True)
    assert upload.metadata == "kept"
    clean_now(upload, storage)
    assert content_of(upload, storage) == content
    assert opening.download_url(upload.pk, ANYBODY, storage=storage)


def steps(storage: UploadStorage) -> int:
    """How many calls of storage a cleaning takes."""
    watched = Watched(storage)
    clean_now(arrived(CAMERAS["image/jpeg"], storage), watched)
    return watched.calls


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_cleaning_that_is_cut_off_anywhere_is_repaired_by_the_next(storage, before, limits):
    """Case 101: nothing is offered in between."""
    limits(images_kept=0)
    content = CAMERAS["image/jpeg"]
    for step in range(1, steps(storage) + 1):
        upload = arrived(content, storage)
        with pytest.raises(CutOff):
            clean_now(upload, Watched(storage, cut_off, at=step, before=before))
        with pytest.raises(Preparing):
            opening.download_url(upload.pk, ANYBODY, storage=storage)
        clean_now(upload, storage)
        assert content_of(upload, storage) == cleaned(content, "image/jpeg")
        assert (upload.metadata, upload.size) == ("cleaned", len(cleaned(content, "image/jpeg")))
        assert not transfers_of(upload, storage)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_nothing_of_an_image_comes_back_after_its_removal(storage, before, limits):
    """Case 29: it is removed before and after each step of its cleaning."""
    limits(images_kept=0)
    for step in range(1, steps(storage) + 1):
        upload = arrived(CAMERAS["image/jpeg"], storage)

        def remove(upload=upload):
            lifecycle.remove(upload, storage=storage)
            assert Upload.objects.get(pk=upload.pk).state == State.GONE

        clean_now(upload, Watched(storage, remove, at=step, before=before))
        assert (upload.state, upload.ended, upload.cleaning_due_at) == (State.GONE, End.OWNER, None)
        assert storage.length(upload.key) is None
        assert not transfers_of(upload, storage)


def test_a_removal_after_a_cut_takes_the_parts_along(storage):
    upload = arrived(CAMERAS["image/jpeg"], storage)
    watched = Watched(storage, cut_off, at=steps(storage), before=True)
    with pytest.raises(CutOff):
        clean_now(upload, watched)
    assert transfers_of(upload, storage)
    lifecycle.remove(upload, storage=storage)
    assert not transfers_of(upload, storage)
    assert storage.length(upload.key) is None


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_two_cleanings_at_once_never_mix_their_bytes(storage, before, limits):
    """The claim of the first has ended by itself at each of its steps, and the second runs from end to end."""
    limits(images_kept=0)
    content = CAMERAS["image/jpeg"]
    for step in range(1, steps(storage) + 1):
        upload = arrived(content, storage)

        def overtake(upload=upload):
            clean_now(Upload.objects.get(pk=upload.pk), storage)

        clean_now(upload, Watched(storage, overtake, at=step, before=before))
        assert content_of(upload, storage) == cleaned(content, "image/jpeg")
        assert (upload.metadata, upload.cleaning_due_at) == ("cleaned", None)


@pytest.mark.parametrize("fails", ["read", "write_part", "complete_transfer"])
def test_a_storage_failure_costs_no_image_and_no_attempt(storage, fails):
    def fail():
        raise StorageError("time-out")

    upload = arrived(CAMERAS["image/png"], storage)
    for _ in range(5):
        at = {"read": 3, "write_part": 6, "complete_transfer": 7}[fails]
        clean_now(upload, Watched(storage, fail, at=at))
        assert (upload.metadata, upload.state, upload.cleaning_attempts) == ("cleaning", State.READY, 0)
    assert clean_now(upload, storage).metadata == "cleaned"


def test_an_image_that_is_not_built_as_its_format_says_is_refused(storage):
    """Case 102: it is not offered with what might be in it."""
    whole = CAMERAS["image/png"]
    upload = arrived(whole[:40] + b"\xff\xff\xff\xff!!!!" + whole[40:], storage)
    clean_now(upload, storage)
    assert (upload.state, upload.ended) == (State.GONE, End.REFUSED)
    assert "Send it as a file, or keep them in it." in upload.why_refused


def test_an_image_kills_its_worker_three_times_at_most(storage):
    """Case 102."""
    upload = arrived(CAMERAS["image/png"], storage)
    for _ in range(3):
        with pytest.raises(CutOff):
            clean_now(upload, Watched(storage, cut_off, at=1))
    clean_now(upload, storage)
    assert (upload.state, upload.ended) == (State.GONE, End.REFUSED)
    assert "in time" in upload.why_refused


def test_a_lost_object_ends_the_image(storage):
    upload = arrived(CAMERAS["image/png"], storage)
    storage.remove([upload.key])
    clean_now(upload, storage)
    assert (upload.state, upload.ended) == (State.GONE, End.LOST)


def test_an_image_is_cleaned_before_it_is_drawn(owner):
    upload = Upload.objects.get(pk=owner.upload(CAMERAS["image/jpeg"], kind="image")["id"])
    assert queue.claim(upload.pk) is None
    tasks.preview(upload.pk)
    upload.refresh_from_db()
    assert (upload.metadata, upload.has_preview) == ("cleaned", True)


def test_the_poll_cleans_what_no_message_came_for(owner):
    Upload.objects.get(pk=owner.upload(CAMERAS["image/jpeg"], kind="image")["id"])
    assert tasks.waiting_previews() == "1 previews made, 1 images cleaned"
    assert tasks.waiting_previews() == "0 previews made"


def test_no_cleaning_begins_after_its_time(owner):
    owner.upload(CAMERAS["image/jpeg"], kind="image")
    assert clean.clean_due(storage=default_storage, until=time.monotonic() - 1) == 0


def test_reconcile_leaves_the_transfer_of_a_cleaning_alone(storage):
    content = CAMERAS["image/jpeg"]
    upload = arrived(content, storage)
    found = []

    def compare():
        Upload.objects.filter(pk=upload.pk).update(completed_at=Now() - timedelta(minutes=1))
        found.append(comparison.reconcile(storage=storage, dry_run=True))

    clean_now(upload, Watched(storage, compare, at=steps(storage), before=True))
    assert upload.key not in found[0].transfers_without_row
    assert upload.metadata == "cleaned"


def test_a_file_is_never_cleaned(owner):
    content = CAMERAS["image/jpeg"]
    upload = Upload.objects.get(pk=owner.upload(content, metadata="clean")["id"])
    assert (upload.kind, upload.metadata, upload.cleaning_due_at) == (Kind.FILE, None, None)
    assert make_row(kind=Kind.FILE, keep_metadata=True).metadata is None
