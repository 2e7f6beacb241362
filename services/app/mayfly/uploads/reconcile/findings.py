"""Which of the compared keys match nothing on the other side. Asking changes nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models.functions import Coalesce

from ...storage.keys import UPLOADS, id_in
from ...storage.protocol import Found, UploadStorage
from ..limits import limits
from ..models import Upload
from .walks import PAGE, Pair, Walk

# Clocks differ: an unknown object is a stray only if it is older than the longest life of an upload plus this.
GRACE = timedelta(hours=1)
# At most this many rows are in question at a time, because storage is asked about each: two requests, 16 at once.
QUESTIONS = 100


@dataclass(slots=True)
class Findings:
    """What a batch of keys has: counts, and the ids or keys that match nothing on the other side."""

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


def batches(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Cut the keys of a walk into batches: up to PAGE keys, or fewer if QUESTIONS of them are rows in question."""
    batch: list[Pair] = []
    questions = 0
    for pair in pairs:
        batch.append(pair)
        questions += pair.found is None
        if len(batch) == PAGE or questions == QUESTIONS:
            yield batch
            batch, questions = [], 0
    if batch:
        yield batch


def find(walk: Walk, batch: Sequence[Pair], *, began: datetime, storage: UploadStorage) -> Findings:
    """Find what matches nothing. `began` is earlier than the listing that these keys are from, by the database's clock.

    Raises:
        StorageError: storage does not answer; then nothing is known.
    """
    listed = [pair.found for pair in batch if pair.found is not None]
    strays = _strays(listed, _ends(listed, walk), began)
    if walk.of_transfers:
        return Findings(transfers=len(listed), transfers_without_row=strays)
    return Findings(
        rows=sum(pair.has_row for pair in batch),
        objects=len(listed),
        rows_without_object=_lost([pair.key for pair in batch if pair.found is None], storage),
        objects_without_row=strays,
    )


def _lost(keys: Sequence[str], storage: UploadStorage) -> list[str]:
    """The ids of the live rows among these keys that have no object.

    The listing is one witness, a second question the other: only a positive 'not found' proves a loss. The rows are
    asked last, because an upload may have been removed since they were read.
    """
    absent = storage.absent(keys) if keys else set()
    ids = [key.removeprefix(UPLOADS) for key in absent]
    return sorted(Upload.objects.live().filter(pk__in=ids).order_by().values_list("pk", flat=True)) if ids else []


def _ends(listed: Sequence[Found], walk: Walk) -> dict[str, datetime | None]:
    """When the uploads of these keys ceased to account for them, by id; None for those that still do."""
    rows = Upload.objects.filter(pk__in={id_in(found.key) for found in listed})
    # A complete upload has no transfer; its preview still may.
    is_of_original = walk.of_transfers and walk.prefix == UPLOADS
    return dict(rows.values_list("pk", Coalesce("completed_at", "removed_at") if is_of_original else "removed_at"))


def _strays(listed: Sequence[Found], ends: dict[str, datetime | None], began: datetime) -> list[str]:
    """The keys that no upload accounts for, in their order."""
    oldest = began - limits.transfer_time - limits.longest_lifetime - GRACE
    strays = []
    for found in listed:
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
