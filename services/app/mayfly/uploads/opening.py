"""The one gate to bytes: may this visitor have this upload now? Every route asks here, and nothing else signs."""

import logging
from datetime import timedelta

from ..storage.protocol import UploadStorage
from . import lifecycle
from .choices import State
from .errors import Gone, Unknown
from .models import Upload

logger = logging.getLogger(__name__)

# The longest that a download URL is valid: enough to follow a redirect, too short to be passed on.
DOWNLOAD_URL_LIFETIME = timedelta(seconds=60)


def open_upload(upload_id: str) -> Upload:
    """The live upload with this id and its `time_left`, for any visitor who has the link.

    Raises:
        Gone: it has expired, or was removed; `receipt` has the row.
        Unknown: there never was such an upload for visitors.
    """
    upload = Upload.objects.live().with_time_left().filter(pk=upload_id).first()
    if upload is None:
        receipt(upload_id)
        raise Gone
    return upload


def receipt(upload_id: str) -> Upload:
    """The row of an upload that was ready once. Raises Unknown; a row that never was ready never was there."""
    upload = Upload.objects.filter(pk=upload_id, completed_at__isnull=False).first()
    if upload is None:
        raise Unknown
    return upload


def is_removed(upload: Upload) -> bool:
    """Whether storage has nothing of the upload, as its receipt says."""
    return upload.state == State.GONE


def download_url(upload_id: str, *, storage: UploadStorage) -> str:
    """A signed URL of the bytes, valid for DOWNLOAD_URL_LIFETIME and never past `expires_at`.

    Raises:
        Gone: the upload has expired, or was removed; or storage has lost its object, and the row is removed too.
        Unknown: there never was such an upload for visitors.
        StorageError: storage does not answer.
    """
    upload = _open_to_sign(upload_id)
    if storage.length(upload.key) is None:
        # Lost by storage: a row that offers nothing is removed by the first download that finds out.
        logger.error("%s is ready, and storage does not have it", upload)
        lifecycle.remove(upload, storage=storage)
        raise Gone
    return storage.sign_download(
        upload.key,
        name=upload.name,
        content_type=upload.content_type,
        lifetime=min(DOWNLOAD_URL_LIFETIME, upload.time_left),
    )


def preview_url(upload_id: str, *, storage: UploadStorage) -> str | None:
    """A signed URL of the preview, valid as long as a download's; None if it has none yet. Raises Gone, Unknown.

    Storage is not asked whether it has the preview: a page shows many, and a missing one is merely a broken image.
    """
    upload = _open_to_sign(upload_id)
    if not upload.has_preview:
        return None
    return storage.sign_preview(upload.preview_key, lifetime=min(DOWNLOAD_URL_LIFETIME, upload.time_left))


def _open_to_sign(upload_id: str) -> Upload:
    """The live upload, if it has enough time left: a signature counts whole seconds. Raises Gone, Unknown."""
    upload = open_upload(upload_id)
    if upload.time_left < timedelta(seconds=1):
        raise Gone
    return upload
