"""Only the newest images of a box stay."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection

from mayfly.uploads import lifecycle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import Gone
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload

from ...support.making import arrive, begin, is_empty, ready, state
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_the_newest_images_stay():
    box = new_id()
    images = [ready(PNG, kind=Kind.IMAGE, box=box) for _ in range(5)]
    assert [image.pk for image in Upload.objects.of(box).live()] == [image.pk for image in reversed(images[2:])]
    assert all(is_empty(image) for image in images[:2])
    assert all(storage.length(image.key) for image in images[2:])


def test_a_limit_of_zero_keeps_all_images(limits):
    limits(images_kept=0)
    box = new_id()
    for _ in range(5):
        ready(PNG, kind=Kind.IMAGE, box=box)
    assert Upload.objects.of(box).live().count() == 5


def test_files_and_other_boxes_push_no_images_out():
    box = new_id()
    image = ready(PNG, kind=Kind.IMAGE, box=box)
    for _ in range(4):
        ready(box=box)
        ready(PNG, kind=Kind.IMAGE)
    assert state(image) == State.READY


def test_parallel_completions_keep_exactly_the_newest_images():
    """Case 28."""
    box = new_id()
    pending = [arrive(begin(PNG, kind=Kind.IMAGE, box=box), PNG) for _ in range(12)]
    most = []

    def attempt(upload):
        try:
            lifecycle.complete(upload, storage=storage)
            most.append(Upload.objects.of(box).live().count())
        except Gone:  # completed, and pushed out by newer images before it was read again
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(attempt, pending))
    assert max(most) == 3
    newest = Upload.objects.of(box).order_by("-completed_at", "-pk").values_list("pk", flat=True)
    assert list(Upload.objects.of(box).live().values_list("pk", flat=True)) == list(newest[:3])
    lifecycle.sweep(storage=storage)
    kept = set(Upload.objects.live().values_list("pk", flat=True))
    assert {upload.pk for upload in pending if storage.length(upload.key)} == kept
