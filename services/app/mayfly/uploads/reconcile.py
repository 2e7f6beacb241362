"""Reconcile: compare table and storage in both directions, and remove what is on one side only.

It is a net below `lifecycle`, whose steps leave nothing behind by themselves. It finds objects that storage has lost,
that a restored database does not know, or that a process had not recorded when it died.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.db.models.functions import Coalesce

from ..storage.keys import PREFIXES, UPLOADS, id_in
from ..storage.protocol import Found, UploadStorage
from . import lifecycle
from .lifecycle import BATCH
from .limits import limits
from .models import Heartbeat, Upload
from .queries import UploadQuerySet

logger = logging.getLogger(__name__)
Item = TypeVar("Item")

# Clocks differ: an unknown object is a stray only if it is older than the longest life of an upload plus this.
GRACE = timedelta(hours=1)


@dataclass(slots=True)
class Report:
    """The findings of one run: counts, and the ids or keys that do not match."""

    rows: int = 0
    objects: int = 0
    transfers: int = 0
    rows_without_object: list[str] = field(default_factory=list)
    objects_without_row: list[str] = field(default_factory=list)
    transfers_without_row: list[str] = field(default_factory=list)

    def excess(self) -> str:
        """The findings that are too many to be believed, in words; empty if there are none."""
        # However few they are: storage without a single one of our uploads is more likely not ours.
        if self.rows and len(self.rows_without_object) == self.rows:
            return f"{self.rows} of {self.rows}: rows without an object"
        for what, found, seen in (
            ("rows without an object", self.rows_without_object, self.rows),
            ("objects without a row", self.objects_without_row, self.objects),
            ("transfers without a row", self.transfers_without_row, self.transfers),
        ):
            if len(found) > max(seen // 10, limits.reconcile_most):
                return f"{len(found)} of {seen}: {what}"
        return ""

    def __str__(self) -> str:
        """The counts, for a log."""
        return (
            f"{self.rows} rows, {self.objects} objects and {self.transfers} transfers compared, "
            f"{len(self.rows_without_object)} rows, {len(self.objects_without_row)} objects and "
            f"{len(self.transfers_without_row)} transfers unmatched"
        )


class Braked(Exception):
    """Reconcile would remove too much at once, so it has removed nothing. `report` has its findings."""

    def __init__(self, report: Report):
        super().__init__(report.excess())
        self.report = report


def reconcile(*, storage: UploadStorage, dry_run: bool = False) -> Report:
    """Compare table and storage in both directions, and remove what is on one side only.

    * A ready row is removed if storage is certain that it has no object.
    * An object is removed if its row says `gone`, or if it has no row and is older than any upload gets. That is the
      longest transfer, the longest lifetime and a grace. A preview is removed with its upload.
    * An open transfer is removed if its row is not pending, or if it has no row and is as old.

    Storage that does not answer proves nothing. Safe to repeat, and to run twice at once.

    Raises:
        Braked: storage has none of the live uploads; or a removal would concern more than a tenth of all, and more
            than `reconcile_most`. A wrong bucket or a restored database looks like that.
        StorageError: storage does not answer; the findings so far are left as they are.
    """
    report, began = Report(), Heartbeat.record("reconcile")
    oldest = began - limits.transfer_time - limits.longest_lifetime - GRACE
    # Rows first: an upload that becomes ready while storage is being listed need not be in the listing.
    unseen = set(Upload.objects.live().values_list("pk", flat=True).order_by())
    report.rows = len(unseen)
    for prefix in PREFIXES:
        for page in _pages(storage.objects(prefix), BATCH):
            report.objects += len(page)
            report.objects_without_row += _strays(page, _removals(page), began, oldest)
            if prefix == UPLOADS:
                unseen.difference_update(id_in(found.key) for found in page)
        for page in _pages(storage.transfers(prefix), BATCH):
            report.transfers += len(page)
            # A complete upload has no transfer; its preview still may.
            ends = _transfer_ends(page) if prefix == UPLOADS else _removals(page)
            report.transfers_without_row += _strays(page, ends, began, oldest)
    # The listing is one witness, a second question the other: only a positive 'not found' removes a row.
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
        storage.abort_transfers(key)
    for key, why in storage.remove(report.objects_without_row).items():
        logger.warning("%s is not removed: %s", key, why)


def _removals(page: Sequence[Found]) -> dict[str, datetime | None]:
    """When the uploads of a listing's page were removed, by id; None for those that were not."""
    return dict(_rows_of(page).values_list("pk", "removed_at"))


def _transfer_ends(page: Sequence[Found]) -> dict[str, datetime | None]:
    """When the uploads of a page ceased to have a transfer, by id; None for those that may have one."""
    return dict(_rows_of(page).values_list("pk", Coalesce("completed_at", "removed_at")))


def _rows_of(page: Sequence[Found]) -> UploadQuerySet:
    return Upload.objects.filter(pk__in={id_in(found.key) for found in page})


def _strays(page: Sequence[Found], ends: dict[str, datetime | None], began: datetime, oldest: datetime) -> list[str]:
    """The keys of a page that no upload accounts for; `ends` has the time at which a row ceased to."""
    strays = []
    for found in page:
        upload_id = id_in(found.key)
        if upload_id in ends:
            ended = ends[upload_id]
            # A row that ended after `began` may have accounted for it when the listing was made.
            is_stray = ended is not None and ended < began
        else:
            is_stray = found.since < oldest
        if is_stray:
            strays.append(found.key)
    return strays


def _pages(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while page := list(islice(iterator, size)):
        yield page
