"""Claims: one process draws an image, three attempts at most."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.db.models.functions import Now

from mayfly.previews import make, queue, tasks
from mayfly.storage.protocol import StorageError
from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from ...support.broken import Wrapped, storage_class
from ...support.images import due_now, image
from ...support.pictures import jpeg

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_image_is_claimed_by_one_thread(owner, limits):
    limits(images_kept=0)
    pks = {image(owner).pk for _ in range(6)}

    def claim(_):
        try:
            return queue.claim_next()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        claimed = [upload.pk for upload in pool.map(claim, range(12)) if upload]
    assert sorted(claimed) == sorted(pks)


def test_the_longest_waiting_image_is_claimed_first(owner):
    bad, good = image(owner), image(owner)
    assert queue.claim_next() == bad
    Upload.objects.filter(pk=bad.pk).update(preview_due_at=Now() - timedelta(microseconds=1))
    assert queue.claim_next() == good


def test_the_claim_of_a_dead_worker_expires(owner):
    upload = image(owner)
    assert queue.claim_next() == upload
    assert queue.claim_next() is None
    left = Upload.objects.annotate(left=queue.CLAIM + Now()).get().preview_due_at
    assert left > upload.completed_at + timedelta(seconds=tasks.preview.time_limit)
    due_now(upload)
    assert queue.claim_next().preview_attempts == 2


def test_an_image_that_kills_its_decoder_is_refused_after_three_tries(owner, program):
    program("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    upload = image(owner)
    for attempt in (1, 2, 3):
        tasks.waiting_previews()
        upload.refresh_from_db()
        assert (upload.state, upload.preview_attempts) == (State.READY, attempt)
        assert queue.claim_next() is None  # not at once
        due_now(upload)
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert "more time or memory" in upload.refusal


def test_an_image_kills_its_worker_three_times_at_most(owner, monkeypatch):
    upload = image(owner)
    for _ in range(3):
        assert queue.claim_next() == upload  # and then its worker dies
        due_now(upload)
    monkeypatch.setattr(make, "draw", lambda *arguments, **more: pytest.fail("a fourth attempt"))
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert upload.state == State.GONE


@pytest.mark.parametrize("fails", ["read", "put"])
def test_a_storage_failure_costs_no_image_and_no_attempt(owner, fails):
    upload = image(owner)

    def down(*arguments, **more):
        raise StorageError("time-out")

    for _ in range(5):
        assert make.make_due(storage=Wrapped(**{fails: down})) == 0
        upload.refresh_from_db()
        assert (upload.state, upload.preview_attempts, upload.refusal) == (State.READY, 0, "")
        due_now(upload)
    assert make.make_due(storage=storage) == 1


def test_a_decoder_that_cannot_run_costs_no_image(owner, program):
    program("import a_module_that_is_not_installed")
    upload = image(owner)
    for _ in range(5):
        tasks.waiting_previews()
        upload.refresh_from_db()
        assert (upload.state, upload.preview_attempts) == (State.READY, 0)
        due_now(upload)


def test_a_broken_read_is_not_mistaken_for_a_bad_image(owner, monkeypatch):
    upload = image(owner)

    def read(self, key):
        yield jpeg()[:1000]
        raise StorageError("the connection broke")

    monkeypatch.setattr(storage_class(), "read", read)
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert (upload.state, upload.preview_attempts) == (State.READY, 0)


def test_a_failed_attempt_undoes_nothing_of_a_successful_one(owner):
    upload = image(owner)
    late = queue.claim_next()
    due_now(upload)
    tasks.waiting_previews()
    lifecycle.refuse(late, "too late", storage=storage)
    queue.postpone(late)
    upload.refresh_from_db()
    assert (upload.state, upload.has_preview, upload.preview_due_at) == (State.READY, True, None)
