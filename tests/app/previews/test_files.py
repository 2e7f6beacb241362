"""Files that have a preview: images, PDFs and texts. A file stays a file, and its preview goes with it."""

import pytest
from django.core.files.storage import default_storage as storage

from mayfly.previews import draw, make, queue, tasks
from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.uploads.tasks import sweep

from ...support.broken import Wrapped
from ...support.documents import pdf
from ...support.images import due_now, image
from ...support.making import expire
from ...support.pictures import jpeg, opened

pytestmark = pytest.mark.django_db(transaction=True)

FILES = {"image": jpeg(), "pdf": pdf(), "text": b"hello\n\tworld"}
every_file = pytest.mark.parametrize("content", FILES.values(), ids=FILES)
REMOVALS = {
    "delete": lambda owner, upload: owner.delete(f"/api/uploads/{upload.pk}"),
    "clear": lambda owner, upload: owner.delete("/api/uploads"),
    "sweep": lambda owner, upload: (expire(upload), sweep()),
    "the admin": lambda owner, upload: Upload.objects.get(pk=upload.pk).delete(),
}


def file(owner, content: bytes) -> Upload:
    return Upload.objects.get(pk=owner.upload(content)["id"])


def drawn(upload: Upload) -> Upload:
    tasks.waiting_previews()
    upload.refresh_from_db()
    return upload


@pytest.mark.parametrize("sort", ["image", "pdf"])
def test_a_file_gets_a_picture(owner, sort):
    upload = drawn(file(owner, FILES[sort]))
    assert (upload.has_preview, upload.has_lines, upload.preview_due_at) == (True, False, None)
    assert max(opened(b"".join(storage.read(upload.preview_key))).width, 640) == 640
    shown = owner.get(f"/api/uploads/{upload.pk}").json()
    assert (shown["kind"], shown["preview"]) == ("file", f"http://testserver/u/{upload.pk}/preview")


def test_a_text_gets_its_lines_which_are_no_picture(owner, stranger):
    upload = drawn(file(owner, FILES["text"]))
    assert (upload.has_preview, upload.has_lines, upload.preview_due_at) == (False, True, None)
    assert storage.first_bytes(upload.preview_key, 100) == b"hello\n    world"
    assert owner.get(f"/api/uploads/{upload.pk}").json()["preview"] is None
    assert stranger.browser.get(f"/u/{upload.pk}/preview").status_code == 404


@pytest.mark.parametrize(
    "content", [jpeg()[:-5000], b"%PDF-1.4\n" + bytes(100), b"a" * 100 + b"\x00"], ids=["image", "pdf", "text"]
)
def test_a_file_that_cannot_be_shown_stays_and_is_tried_once(owner, content):
    upload = drawn(file(owner, content))
    assert (upload.state, upload.has_preview, upload.has_lines) == (State.READY, False, False)
    assert (upload.preview_due_at, upload.preview_attempts, upload.refusal) == (None, 1, "")
    assert tasks.waiting_previews() == "0 previews made"


def test_a_file_that_kills_its_reader_stays_after_three_tries(owner, monkeypatch, tmp_path):
    """Case 81."""
    program = tmp_path / "reader.py"
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(draw, "READER", program)
    upload = file(owner, pdf())
    for attempt in (1, 2, 3):
        assert drawn(upload).preview_attempts == attempt
        due_now(upload)
    upload = drawn(upload)
    assert (upload.state, upload.preview_due_at) == (State.READY, None)


def test_images_come_before_files_however_long_these_wait(owner):
    """Case 81."""
    first, second, late = file(owner, b"hello"), file(owner, b"hello"), image(owner)
    assert [queue.claim_next() for _ in range(3)] == [late, first, second]


def test_no_more_of_a_text_is_read_from_storage_than_its_start(owner):
    """Case 82."""
    upload = file(owner, b"hello\n" * 100_000)
    asked = []

    def first_bytes(key, count):
        asked.append((key, count))
        return storage.first_bytes(key, count)

    def read(key):
        raise AssertionError("all of it is read")

    assert make.make_due(storage=Wrapped(first_bytes=first_bytes, read=read)) == 1
    assert asked == [(upload.key, 16 * 1024)]


@every_file
@pytest.mark.parametrize("how", REMOVALS)
def test_removing_a_file_removes_its_preview(owner, how, content):
    upload = drawn(file(owner, content))
    assert storage.length(upload.preview_key)
    REMOVALS[how](owner, upload)
    assert storage.length(upload.preview_key) is None
    assert not Upload.objects.live().filter(pk=upload.pk)


@every_file
def test_a_file_is_not_gone_while_storage_keeps_its_preview(owner, content):
    upload = drawn(file(owner, content))

    def remove(keys):
        kept = {key: "InternalError" for key in keys if key.startswith("previews/")}
        return kept | storage.remove([key for key in keys if key not in kept])

    lifecycle.remove(upload, storage=Wrapped(remove=remove))
    upload.refresh_from_db()
    assert upload.state == State.REMOVING
    sweep()
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert [storage.length(key) for key in upload.keys] == [None, None]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_clear_leaves_no_lines_that_are_being_made(owner, when):
    upload = file(owner, b"hello")

    def put(key, content, **more):
        if when == "before":
            lifecycle.clear(box=owner.box, storage=storage)
        storage.put(key, content, **more)
        if when == "after":
            lifecycle.clear(box=owner.box, storage=storage)

    assert make.make_due(storage=Wrapped(put=put)) == 0
    assert [storage.length(key) for key in upload.keys] == [None, None]


def test_a_failing_storage_costs_a_file_no_try(owner):
    upload = file(owner, b"hello")

    def down(*_):
        raise StorageError("time-out")

    assert make.make_due(storage=Wrapped(first_bytes=down)) == 0
    upload.refresh_from_db()
    assert (upload.preview_attempts, upload.has_lines) == (0, False)
    assert upload.preview_due_at is not None
