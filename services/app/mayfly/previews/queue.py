"""Which image gets its preview next. The table is the queue, so that losing Redis or a worker loses no image."""

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from ..storage.headers import LINES_TYPE, PREVIEW_TYPE
from ..storage.protocol import UploadStorage
from ..uploads.models import Upload
from ..uploads.queries import UploadQuerySet

# A claim older than this belongs to a dead process: it is above Celery's hard limit of 25 s.
CLAIM = timedelta(seconds=30)
# An image whose decoder was killed waits this long for its next attempt.
PAUSE = timedelta(seconds=5)


def claim_next() -> Upload | None:
    """Claim the image that has waited longest for its preview; None if none waits.

    The caller alone may make its preview, until the claim ends by itself after CLAIM. The attempt is counted before
    it begins, so that an image that kills the whole worker is counted too.
    """
    return _claim(Upload.objects.wanting_a_preview())


def claim(upload_id: str) -> Upload | None:
    """Claim this image, as `claim_next` does; None if it does not wait for a preview, or is claimed already."""
    return _claim(Upload.objects.wanting_a_preview().filter(pk=upload_id))


def keep(upload: Upload, preview: bytes, *, storage: UploadStorage) -> bool:
    """Store the preview of a claimed image and offer it. False if the image was removed meanwhile.

    An earlier removal has looked for a preview before there was one, so the preview is removed here; a later removal
    finds it. If this call is cut off in between, reconcile removes the preview, which no page shows.

    Raises:
        StorageError: storage did not take it. The claim remains, and ends by itself.
    """
    shown = {"has_lines" if upload.is_text else "has_preview": True}
    storage.put(upload.preview_key, preview, content_type=LINES_TYPE if upload.is_text else PREVIEW_TYPE)
    if Upload.objects.live().filter(pk=upload.pk).update(preview_due_at=None, **shown):
        return True
    storage.remove([upload.preview_key])
    return False


def give_up(upload: Upload) -> None:
    """Let a claimed file be without a preview for good."""
    _claimed(upload).update(preview_due_at=None)


def postpone(upload: Upload) -> None:
    """Let a claimed image wait for its next attempt. The failed one counts."""
    _claimed(upload).update(preview_due_at=Now() + PAUSE)


def postpone_uncounted(upload: Upload) -> None:
    """Let a claimed image wait for its next attempt. The failure was ours, not the image's, and does not count."""
    _claimed(upload).update(preview_due_at=Now() + CLAIM, preview_attempts=upload.preview_attempts - 1)


def _claim(waiting: UploadQuerySet) -> Upload | None:
    with transaction.atomic(durable=True):
        upload = waiting.select_for_update(skip_locked=True).first()
        if upload:
            upload.preview_attempts += 1
            Upload.objects.filter(pk=upload.pk).update(
                preview_attempts=upload.preview_attempts, preview_due_at=Now() + CLAIM
            )
    return upload


def _claimed(upload: Upload) -> UploadQuerySet:
    return Upload.objects.live().filter(pk=upload.pk, preview_attempts=upload.preview_attempts)
