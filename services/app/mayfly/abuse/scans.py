"""The virus check, before anything is offered. The table is the queue, as for previews.

It fails closed: an upload that clamd has not called clean waits, until its time is over.
"""

import logging
from contextlib import closing
from datetime import timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from ..storage.protocol import StorageError, UploadStorage
from ..uploads import events, lifecycle
from ..uploads.choices import End
from ..uploads.locks import lock_if_free
from ..uploads.models import Upload
from .clamd import Unavailable, scan

logger = logging.getLogger(__name__)

# A call begins no upload after this many seconds, and clamd has so many for one. Together they stay below Celery's soft
# limit of 20 s. 100 MB take 3 to 7.
BEGIN_SECONDS = 3
SCAN_SECONDS = 13
# A claim older than this belongs to a dead process: it is above Celery's hard limit of 25 s.
CLAIM = timedelta(seconds=30)
# An upload without a verdict waits so long for its next attempt.
PAUSE = timedelta(seconds=10)
INFECTED = gettext_noop("The virus check found harmful software in it.")


def scan_due(*, storage: UploadStorage) -> int:
    """Check the uploads that are due, in one process at a time. Returns how many have a verdict now.

    The first one without a verdict ends the call, because clamd or storage is away.
    """
    until = monotonic() + BEGIN_SECONDS
    judged = 0
    with lock_if_free("scans") as is_free:
        while is_free and monotonic() < until:
            upload = _claim()
            if upload is None or not _judge(upload, storage):
                break
            judged += 1
    return judged


def _claim() -> Upload | None:
    with transaction.atomic(durable=True):
        upload = Upload.objects.wanting_a_scan().select_for_update(skip_locked=True).first()
        if upload:
            Upload.objects.filter(pk=upload.pk).update(scan_due_at=Now() + CLAIM)
    return upload


def _judge(upload: Upload, storage: UploadStorage) -> bool:
    """Offer a claimed upload if it is clean, and remove it if not. False if there is no verdict."""
    claimed = Upload.objects.live().filter(pk=upload.pk)
    try:
        with closing(storage.read(upload.key)) as pieces:
            found = scan(pieces, url=settings.CLAMD_URL, seconds=SCAN_SECONDS)
    except (Unavailable, StorageError) as error:
        logger.error("%s waits for its virus check: %s", upload, error)
        claimed.update(scan_due_at=Now() + PAUSE)
        return False
    if found:
        logger.warning("%s matches %s, and is removed", upload, found)
        lifecycle.forbid(claimed, INFECTED, end=End.VIRUS, storage=storage)
    elif _offer(upload):
        events.cleared.send_robust(sender=Upload, upload=upload)
    return True


def _offer(upload: Upload) -> bool:
    with transaction.atomic():
        passed = Upload.objects.live().filter(pk=upload.pk).update(scan_due_at=None)
        if passed:
            lifecycle.tell_if_offered(upload)
    return bool(passed)
