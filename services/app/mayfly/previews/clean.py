"""Clean images before they are offered and drawn. The table is the queue, as it is for previews."""

import logging
import time

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from ..cleaning import Unreadable
from ..storage.protocol import StorageError, UploadStorage
from ..uploads import lifecycle
from ..uploads.models import Upload
from ..uploads.queries import UploadQuerySet
from .queue import CLAIM

logger = logging.getLogger(__name__)

# The first attempt may have met a worker that was stopped, and a second one a slow storage.
MOST_ATTEMPTS = 3
# Stored in English and translated for each visitor (Upload.why_refused).
DAMAGED = gettext_noop(
    "This image is damaged, so its camera data and location cannot be removed. Send it as a file, or keep them in it."
)
SLOW = gettext_noop(
    "Camera data and location could not be removed from this image in time. Send it as a file, or keep them in it."
)


def clean_due(*, storage: UploadStorage, until: float) -> int:
    """Clean the images that are due; none is begun after `until`, by the monotonic clock. Returns how many."""
    count = 0
    while time.monotonic() < until:
        upload = _claim(Upload.objects.wanting_to_be_cleaned())
        if upload is None:
            break
        count += _clean(upload, storage)
    return count


def clean_one(upload_id: str, *, storage: UploadStorage) -> bool:
    """Clean this image, unless it needs none or another process has claimed it."""
    upload = _claim(Upload.objects.wanting_to_be_cleaned().filter(pk=upload_id))
    return upload is not None and _clean(upload, storage)


def _clean(upload: Upload, storage: UploadStorage) -> bool:
    """Whether this image is clean now. If it cannot be, it is refused; if storage fails, it waits."""
    if upload.cleaning_attempts > MOST_ATTEMPTS:
        lifecycle.refuse(upload, SLOW, storage=storage)
        return False
    try:
        return lifecycle.clean(upload, storage=storage)
    except Unreadable as reason:
        logger.info("%s cannot be cleaned: %s", upload, reason)
        lifecycle.refuse(upload, DAMAGED, storage=storage)
    except StorageError as error:
        logger.error("%s is not clean yet: %s", upload, error)
        # The failure was not the image's, and does not count.
        as_claimed = Upload.objects.live().filter(pk=upload.pk, cleaning_attempts=upload.cleaning_attempts)
        as_claimed.update(cleaning_due_at=Now() + CLAIM, cleaning_attempts=upload.cleaning_attempts - 1)
    return False


def _claim(waiting: UploadQuerySet) -> Upload | None:
    """Claim the first of these images: the caller alone may clean it, until the claim ends by itself after CLAIM."""
    with transaction.atomic(durable=True):
        upload = waiting.select_for_update(skip_locked=True).first()
        if upload:
            upload.cleaning_attempts += 1
            Upload.objects.filter(pk=upload.pk).update(
                cleaning_attempts=upload.cleaning_attempts, cleaning_due_at=Now() + CLAIM
            )
    return upload
