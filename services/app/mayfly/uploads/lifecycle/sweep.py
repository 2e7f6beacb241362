"""The sweep removes due uploads, finishes removals that were cut off, and purges old receipts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from time import monotonic

from ...storage.protocol import UploadStorage
from ..ids import new_id
from ..models import Upload
from ..queries import UploadQuerySet
from .erase import SHARE, erase
from .joined import look_after_bundles
from .remove import BATCH, mark_due

# A sweep begins no further share after this many seconds, and the next one continues. The last share may wait for its
# transfers and its proof for 7 s more, and Celery's soft limit is 20 s.
SWEEP_SECONDS = 10
# Within that, the due uploads are marked for at most this long: they are out of sight by their deadline alone.
MARK_SECONDS = 4
# Twice as many as in a request, for which a visitor waits. Each share waits for the same few answers of storage.
SWEEP_SHARE = 2 * SHARE


@dataclass(slots=True)
class Swept:
    """The result of a sweep: how many uploads are gone now, and by how much the latest missed its time."""

    removed: int = 0
    latest: timedelta = timedelta(0)

    def __str__(self) -> str:
        if not self.removed:
            return "nothing was due"
        return f"{self.removed} removed, the latest {self.latest.total_seconds():.1f} s after its time"


def sweep(*, storage: UploadStorage, share: int = SWEEP_SHARE) -> Swept:
    """Remove everything that is due or half removed, and purge old receipts and bundles, for SWEEP_SECONDS.

    Any number may run at once: each share is taken with SKIP LOCKED. An upload that storage fails to remove
    stays `removing`, delays no other, and is tried again by the next sweep.

    Raises:
        StorageError: storage removed nothing of a share. The rest is left to the next sweep.
    """
    began = monotonic()
    until = began + SWEEP_SECONDS
    while mark_due(BATCH) and monotonic() < began + MARK_SECONDS:
        pass
    swept = Swept()
    tried: set[str] = set()  # one that has just failed is among those that failed before
    for uploads in _in_order():
        ids_left = _ids(uploads)
        while monotonic() < until and (ids := list(islice(ids_left, share))):
            erased = erase([pk for pk in ids if pk not in tried], storage)
            tried.update(ids)
            swept.removed += erased.count
            swept.latest = max(swept.latest, erased.latest)
    _purge(Upload.objects.outdated_receipts(), until)
    _purge(Upload.objects.outdated_refusals(), until)
    look_after_bundles(until)
    return swept


def _in_order() -> Iterator[UploadQuerySet]:
    """The uploads to remove: those that failed before come after all others, and a transfer after an object.

    A transfer takes four requests, and an unanswered one takes half of a sweep's time.
    """
    removing = Upload.objects.removing()
    for uploads in (removing.filter(failure=""), removing.exclude(failure="")):
        yield uploads.filter(completed_at__isnull=False)
        yield uploads.filter(completed_at__isnull=True)


def _ids(uploads: UploadQuerySet) -> Iterator[str]:
    """The ids of these uploads: from a random one on to the last, and then from the first on to that one.

    Sweeps at the same time thus seldom meet, and no upload is always among the last, which a sweep does not reach.
    """
    start = new_id()
    for half in (uploads.filter(pk__gt=start), uploads.filter(pk__lte=start)):
        last = ""
        while ids := list(half.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:SHARE]):
            yield from ids
            last = ids[-1]


def _purge(receipts: UploadQuerySet, until: float) -> None:
    """Delete these receipts: at least one batch, and more as long as there is time."""
    while True:
        ids = list(receipts.values_list("pk", flat=True)[:BATCH])
        Upload.objects.gone().filter(pk__in=ids).delete()
        if len(ids) < BATCH or monotonic() > until:
            return
