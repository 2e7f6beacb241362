"""The deadline of a pending upload: a short one at first, and a later one only for bytes that have arrived."""

from datetime import timedelta

from django.db.models import F
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Least, Now

from ..limits import limits
from ..models import Upload

# How long a pending upload lives of which nothing has arrived. Its declared size counts in the quotas until then.
FIRST = timedelta(minutes=15)
# How far an upload may be behind its pace once something of it has arrived. At 16 KB/s four parts of 8 MiB, which
# travel together, take 35 minutes.
BEHIND = timedelta(hours=1)


def first_deadline() -> timedelta:
    """How long after its begin an upload expires of which nothing arrives."""
    return min(FIRST, limits.transfer_time)


def prolong(upload: Upload, *, arrived: int) -> None:
    """Move a pending upload's deadline, since storage has `arrived` bytes of it.

    It is BEHIND, and as much of `transfer_time` as the arrived share of its size, after the begin. Thus a client that
    keeps a quota occupied for long has to send what it declared. A deadline never moves back, nor beyond
    `transfer_time`.
    """
    if arrived:
        share = min(arrived / upload.size, 1)
        _move(upload, F("created_at") + min(BEHIND + limits.transfer_time * share, limits.transfer_time))


def keep_receiving(upload: Upload) -> None:
    """Let a pending upload live for FIRST from now, while its bytes, or others of its form, pass through web.

    Web itself sees that they arrive, and a body has a time budget.
    """
    _move(upload, Least(Now() + FIRST, F("created_at") + limits.transfer_time))


def _move(upload: Upload, deadline: CombinedExpression | Least) -> None:
    Upload.objects.pending().filter(pk=upload.pk, expires_at__lt=deadline).update(expires_at=deadline)
