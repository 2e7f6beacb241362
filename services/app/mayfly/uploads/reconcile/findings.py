"""Which of the compared keys match nothing on the other side. Asking changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Case
from django.db.models.functions import Coalesce

from ...storage.keys import UPLOADS, id_in
from ...storage.protocol import Found, UploadStorage
from ..limits import limits
from ..models import Upload

# A column of a row, or an expression over its columns; null if the moment has not come.
Moment = str | Case
# Clocks differ: an unknown object is a stray only if it is older than the longest life of an upload plus this.
GRACE = timedelta(hours=1)


@dataclass(slots=True)
class Findings:
    """The findings in a batch of keys: counts, and the ids or keys that match nothing on the other side."""

    rows: int = 0
    objects: int = 0
    transfers: int = 0
    rows_without_object: list[str] = field(default_factory=list)
    objects_without_row: list[str] = field(default_factory=list)
    transfers_without_row: list[str] = field(default_factory=list)

    @property
    def unmatched(self) -> int:
        """How many ids and keys it names."""
        return len(self.rows_without_object) + len(self.objects_without_row) + len(self.transfers_without_row)


def lost(keys: Sequence[str], storage: UploadStorage) -> list[str]:
    """The ids of the live rows among these keys that have no object.

    The listing is one witness, a second question the other: only a positive 'not found' proves a loss. The rows are
    asked last, because an upload may have been removed since they were read.
    """
    absent = storage.absent(keys) if keys else set()
    ids = [key.removeprefix(UPLOADS) for key in absent]
    return sorted(Upload.objects.live().filter(pk__in=ids).order_by().values_list("pk", flat=True)) if ids else []


def strays(listed: Sequence[Found], *, until: Moment, began: datetime) -> list[str]:
    """The keys that no row accounts for. A row accounts for one until its moment `until`, or its removal."""
    rows = Upload.objects.filter(pk__in={id_in(found.key) for found in listed})
    ends: dict[str, datetime | None] = dict(rows.values_list("pk", Coalesce(until, "removed_at")))
    oldest = began - limits.transfer_time - limits.longest_lifetime - GRACE
    unaccounted = []
    for found in listed:
        upload_id = id_in(found.key)
        if upload_id in ends:
            ended = ends[upload_id]
            # A row that ended after `began` may have accounted for it when the listing was made.
            is_stray = ended is not None and ended < began
        else:
            is_stray = found.since < oldest
        if is_stray:
            unaccounted.append(found.key)
    return unaccounted
