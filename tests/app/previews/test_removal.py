"""A preview is removed with its image."""

import pytest
from django.core.files.storage import default_storage as storage

from mayfly.previews import make
from mayfly.uploads import lifecycle
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.uploads.tasks import sweep

from ...support.broken import Wrapped
from ...support.images import image, with_preview
from ...support.making import expire
from ...support.samples import PNG
from ...support.waiting import a_moment_later

pytestmark = pytest.mark.django_db(transaction=True)

REMOVALS = {
    "delete": lambda owner, upload: owner.delete(f"/api/uploads/{upload.pk}"),
    "clear": lambda owner, upload: owner.delete("/api/uploads"),
    "sweep": lambda owner, upload: (expire(upload), sweep()),
    "three newer ones": lambda owner, upload: [image(owner, PNG) for _ in range(3)],
    "the admin": lambda owner, upload: Upload.objects.get(pk=upload.pk).delete(),
}


@pytest.mark.parametrize("how", REMOVALS)
def test_removing_an_image_removes_its_preview(owner, how):
    upload = with_preview(owner)
    assert storage.length(upload.preview_key)
    REMOVALS[how](owner, upload)
    assert storage.length(upload.preview_key) is None
    assert not Upload.objects.live().filter(pk=upload.pk)


@pytest.mark.parametrize("part", ["uploads/", "previews/"])
def test_an_image_is_not_gone_while_storage_keeps_any_part_of_it(owner, part):
    upload = with_preview(owner)

    def remove(keys):
        return {key: "InternalError" for key in keys if key.startswith(part)} | storage.remove(
            [key for key in keys if not key.startswith(part)]
        )

    lifecycle.remove(upload, storage=Wrapped(remove=remove))
    upload.refresh_from_db()
    assert upload.state == State.REMOVING
    sweep()
    upload.refresh_from_db()
    assert upload.state == State.GONE
    assert [storage.length(key) for key in upload.keys] == [None, None]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_clear_leaves_no_preview_that_is_being_made(owner, when):
    """Case 29."""
    upload = image(owner)

    def put(key, content, **more):
        if when == "before":
            lifecycle.clear(box=owner.box, storage=storage)
        storage.put(key, content, **more)
        if when == "after":
            lifecycle.clear(box=owner.box, storage=storage)

    assert make.make_due(storage=Wrapped(put=put)) == 0
    assert [storage.length(key) for key in upload.keys] == [None, None]
    upload.refresh_from_db()
    assert (upload.state, upload.has_preview) == (State.GONE, False)


def test_reconcile_removes_the_preview_of_a_gone_image(owner):
    upload = with_preview(owner)
    lifecycle.remove(upload, storage=storage)
    storage.put(upload.preview_key, b"left behind", content_type="image/webp")
    a_moment_later()
    assert upload.preview_key in comparison.reconcile(storage=storage).objects_without_row
    assert storage.length(upload.preview_key) is None
