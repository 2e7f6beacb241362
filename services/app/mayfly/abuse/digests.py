"""The SHA-256 of contents, so that the operator can block what was reported.

The table is the queue, as for previews. No visitor waits for a hash, so it comes after everything else.
"""

import logging
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from time import monotonic

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from ..storage.protocol import StorageError, UploadStorage
from ..uploads import lifecycle
from ..uploads.choices import End
from ..uploads.locks import lock_if_free
from ..uploads.models import Upload
from . import blocks, reports

logger = logging.getLogger(__name__)

# A call begins no content after this many seconds, and reads one for at most so many. Together they stay below Celery's
# soft limit of 20 s. DIGESTED (uploads/limits.py) takes 22 MB a second to be read in that time.
BEGIN_SECONDS = 3
READ_SECONDS = 12
# A claim older than this belongs to a dead process: it is above Celery's hard limit of 25 s.
CLAIM = timedelta(seconds=30)
# After so many attempts that storage was too slow for, a content stays without a hash.
MOST_ATTEMPTS = 3
FORBIDDEN = gettext_noop("The operator of this site does not allow this content.")


class TooSlow(Exception):
    """Storage did not give all of a content in READ_SECONDS."""


def digest_due(*, storage: UploadStorage) -> int:
    """Hash the contents that are due, in one process at a time. Returns how many have a hash now."""
    until = monotonic() + BEGIN_SECONDS
    digested = 0
    with lock_if_free("digests") as is_free:
        while is_free and monotonic() < until:
            upload = _claim()
            if upload is None:
                break
            digested += _digest(upload, storage)
    return digested


def remove_blocked(sha: str, *, storage: UploadStorage) -> int:
    """Remove all live uploads with this content, with words for their owners. Returns how many."""
    return lifecycle.forbid(Upload.objects.of_content(sha), FORBIDDEN, end=End.OPERATOR, storage=storage)


def _claim() -> Upload | None:
    """Claim the content that has waited longest. The attempt is counted before it begins."""
    with transaction.atomic(durable=True):
        upload = Upload.objects.wanting_a_digest().select_for_update(skip_locked=True).first()
        if upload:
            upload.digest_attempts += 1
            Upload.objects.filter(pk=upload.pk).update(
                digest_attempts=upload.digest_attempts, digest_due_at=Now() + CLAIM
            )
    return upload


def _digest(upload: Upload, storage: UploadStorage) -> bool:
    """Hash a claimed content, and remove it if it is blocked. False if it has no hash now; the claim ends by itself."""
    live = Upload.objects.live().filter(pk=upload.pk)
    try:
        upload.sha256 = _sha256(upload, storage)
    except (TooSlow, StorageError) as error:
        given_up = live.filter(digest_attempts__gte=MOST_ATTEMPTS).update(digest_due_at=None)
        logger.warning("%s has no hash%s: %r", upload, "" if given_up else " yet", error)
        return False
    if not live.update(sha256=upload.sha256, digest_due_at=None):
        return False
    reports.note_digest(upload)
    # A block is committed before it looks for uploads with its hash, so one of the two finds the other.
    if blocks.is_blocked(upload.sha256):
        remove_blocked(upload.sha256, storage=storage)
    return True


def _sha256(upload: Upload, storage: UploadStorage) -> str:
    until = monotonic() + READ_SECONDS
    digest = sha256()
    with closing(storage.read(upload.key)) as pieces:
        for piece in pieces:
            digest.update(piece)
            if monotonic() > until:
                raise TooSlow(f"{READ_SECONDS} s were not enough for {upload.size} bytes")
    return digest.hexdigest()
