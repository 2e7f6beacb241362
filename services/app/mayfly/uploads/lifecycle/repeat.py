"""A begin whose answer was lost, and that comes again."""

from datetime import timedelta

from django.db.models.functions import Now

from ...storage.protocol import UploadStorage
from ..choices import State
from ..errors import Gone, KeyReused, Refused, Underway
from ..models import Upload
from ..repeats import Ask
from .remove import remove

# A begin that has no transfer after this time is dead: it has less for opening one, because the router gives up then.
BEGINNING = timedelta(seconds=30)


def begun_before(ask: Ask, *, storage: UploadStorage) -> Upload | None:
    """The pending or live upload that this ask began; None if it began none, or one that never had a transfer.

    Raises:
        KeyReused: the key came with another body.
        Underway: the first call with this key is still at work.
        Refused: that upload was refused.
        Gone: that upload has expired or was removed.
    """
    upload = Upload.objects.filter(ask_key=ask.key).first()
    if upload is None:
        return None
    if upload.ask_body != ask.body:
        raise KeyReused
    if upload.refusal:
        raise Refused(upload.why_refused)
    if upload.state == State.PENDING and not upload.transfer_id:
        if not Upload.objects.filter(pk=upload.pk, created_at__lt=Now() - BEGINNING).exists():
            raise Underway
        remove(upload, storage=storage)
        _free(upload)
        return None
    if upload.state == State.REMOVING and upload.completed_at is None:
        _free(upload)
        return None
    upload.reload()
    if not (upload.is_pending or upload.is_live):
        raise Gone
    return upload


def _free(upload: Upload) -> None:
    """Let the ask begin another upload, although this row is there until storage has nothing of it."""
    Upload.objects.filter(pk=upload.pk).update(ask_key=None)
