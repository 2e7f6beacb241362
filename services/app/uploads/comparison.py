"""Reconcile: table and storage compared in both directions, and what is on one side only put right.

A net below `lifecycle`, whose steps leave nothing behind by themselves: it finds what storage has lost, what a restored
database does not know, and what was in neither's hands when a process died.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from django.db.models.functions import Coalesce

from . import lifecycle, policy
from .lifecycle import BATCH
from .models import Heartbeat, Upload
from .storage.protocol import Found, UploadStorage

logger = logging.getLogger(__name__)

# Where the bytes of uploads and of their previews lie; reconcile leaves everything else in the bucket alone.
PREFIXES = ("uploads/", "previews/")
# Added to the longest that an upload can last before reconcile takes an unknown object for a stray one: clocks differ.
GRACE = timedelta(hours=1)


@dataclass(slots=True)
class Report:
    """What reconcile saw and found amiss: counts, and the ids or keys that do not match."""

    rows: int = 0
    objects: int = 0
    transfers: int = 0
    rows_without_object: list[str] = field(default_factory=list)
    objects_without_row: list[str] = field(default_factory=list)
    transfers_without_row: list[str] = field(default_factory=list)

    def excess(self) -> str:
        """Which part of the findings is too much to be believed, in words; empty where none is."""
        # However few they are: storage that has not one of our uploads is more likely not ours.
        if self.rows and len(self.rows_without_object) == self.rows:
            return f"{self.rows} of {self.rows}: rows without an object"
        for what, found, seen in (
            ("rows without an object", self.rows_without_object, self.rows),
            ("objects without a row", self.objects_without_row, self.objects),
            ("transfers without a row", self.transfers_without_row, self.transfers),
        ):
            if len(found) > max(seen // 10, policy.limits.reconcile_most):
                return f"{len(found)} of {seen}: {what}"
        return ""


class Braked(Exception):
    """Reconcile would remove too much at once, and has removed nothing; `report` says what it found."""

    def __init__(self, report: Report):
        super().__init__(report.excess())
        self.report = report


def reconcile(*, storage: UploadStorage, dry_run: bool = False) -> Report:
    """Compare table and storage in both directions, and remove what is on one side only.

    * A ready row goes where storage says for certain that it has no object.
    * An object goes where its row says `gone`, or where there is none and it is older than any upload gets:
      the longest transfer and lifetime and a grace. A preview goes with its upload.
    * An open transfer goes where its row is not pending any more, or where there is none and it is as old.

    Nothing is concluded from storage that does not answer. Safe to repeat, and to run twice at once.

    Raises:
        Braked: storage has none of the live uploads; or more than a tenth of what there is would go, and more than
            `reconcile_most`. A wrong bucket or a restored database looks like that.
        StorageError: storage does not answer; what was found so far is left as it is.
    """
    report, began = Report(), Heartbeat.record("reconcile")
    oldest = began - policy.limits.transfer_time - policy.limits.longest_lifetime - GRACE
    # Rows first: an upload that becomes ready while storage is being listed is not expected in the listing.
    unseen = set(Upload.objects.live().values_list("pk", flat=True).order_by())
    report.rows = len(unseen)
    for prefix in PREFIXES:
        # A complete upload has no transfer; its preview still may.
        transferred = Coalesce("completed_at", "removed_at") if prefix == "uploads/" else "removed_at"
        for page in _pages(storage.objects(prefix), BATCH):
            report.objects += len(page)
            report.objects_without_row += _strays(page, began, oldest, ended="removed_at")
            if prefix == "uploads/":
                unseen.difference_update(_id_in(found.key) for found in page)
        for page in _pages(storage.transfers(prefix), BATCH):
            report.transfers += len(page)
            report.transfers_without_row += _strays(page, began, oldest, ended=transferred)
    # The listing is one witness, a second question the other: a row goes on a positive 'not found' alone.
    for ids in _pages(sorted(unseen), BATCH):
        lost = {upload.key: upload.pk for upload in Upload.objects.live().filter(pk__in=ids)}
        report.rows_without_object += [lost[key] for key in sorted(storage.absent(list(lost)))]
    if report.excess():
        raise Braked(report)
    if not dry_run:
        _put_right(report, storage)
    return report


def _put_right(report: Report, storage: UploadStorage) -> None:
    for pk in report.rows_without_object:
        logger.error("upload %s is ready, and storage does not have it", pk)
    for page in _pages(report.rows_without_object, BATCH):
        lifecycle.remove_all(Upload.objects.filter(pk__in=page), storage=storage)
    for key in report.transfers_without_row:
        logger.warning("an open transfer of %s has no upload", key)
        storage.abort(key)
    for key, why in storage.remove(report.objects_without_row).items():
        logger.warning("%s is not removed: %s", key, why)


def _pages(items: Iterable, size: int) -> Iterator[list]:
    items = iter(items)
    while page := list(islice(items, size)):
        yield page


def _id_in(key: str) -> str:
    """The id of the upload that a key of ours belongs to: `uploads/ID`, `previews/ID.webp`."""
    return key.partition("/")[2].partition(".")[0]


def _strays(page: Sequence[Found], began: datetime, oldest: datetime, *, ended: str | Coalesce) -> list[str]:
    """The keys of a listing that belong to no upload; `ended` names when a row ceases to account for what is listed."""
    rows = Upload.objects.filter(pk__in={_id_in(found.key) for found in page})
    # What has ended since `began`, when the listing did not exist yet, may have been listed just before.
    over = {pk: at is not None and at < began for pk, at in rows.values_list("pk", ended)}
    return [found.key for found in page if over.get(_id_in(found.key), found.since < oldest)]
