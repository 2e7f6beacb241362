"""The sweep removes due uploads, finishes removals that were cut off, and purges old receipts."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, Max
from django.db.models.functions import Now

from ...storage.protocol import UploadStorage
from ..limits import limits
from ..models import Upload
from ..queries import UploadQuerySet
from .remove import BATCH, mark_due, remove_bytes


@dataclass(slots=True)
class Swept:
    """The result of a sweep: how many uploads are gone now, and by how much the latest missed its time."""

    removed: int = 0
    latest: timedelta = timedelta(0)

    def __str__(self) -> str:
        if not self.removed:
            return "nothing was due"
        return f"{self.removed} removed, the latest {self.latest.total_seconds():.1f} s after its time"


def sweep(*, storage: UploadStorage, batch: int = BATCH) -> Swept:
    """Remove everything that is due or half removed, and purge old receipts.

    Any number may run at once: each batch is taken with SKIP LOCKED. An upload that storage fails to remove
    stays `removing`, delays no other, and is tried again by the next sweep.
    """
    while mark_due(batch):
        pass
    swept = Swept()
    # Transfers come last: each abort is a request of its own, and an unanswered one takes half of a sweep's time.
    _remove_batches(Upload.objects.removing().filter(completed_at__isnull=False), swept, storage, batch)
    _remove_batches(Upload.objects.removing().filter(completed_at__isnull=True), swept, storage, batch)
    _purge(batch)
    return swept


def _remove_batches(uploads: UploadQuerySet, swept: Swept, storage: UploadStorage, batch: int) -> None:
    """Remove the bytes of these uploads, one batch after another in the order of their ids."""
    last = ""
    while True:
        ids = list(uploads.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:batch])
        if not ids:
            return
        gone = remove_bytes(ids, storage)
        swept.removed += len(gone)
        swept.latest = max(swept.latest, _lateness(gone))
        last = ids[-1]


def _lateness(ids: list[str]) -> timedelta:
    """How long after its time the latest of these receipts went; zero if all were removed before their time."""
    late = Upload.objects.gone().filter(pk__in=ids, removed_at__gt=F("expires_at"))
    return late.aggregate(most=Max(F("removed_at") - F("expires_at")))["most"] or timedelta(0)


def _purge(batch: int) -> None:
    """Delete the receipts that have been kept for `receipt_time`."""
    while True:
        old = Upload.objects.gone().filter(removed_at__lt=Now() - limits.receipt_time)
        ids = list(old.values_list("pk", flat=True)[:batch])
        if not ids:
            return
        Upload.objects.gone().filter(pk__in=ids).delete()
