"""The walks of a round: each goes through one listing of storage, and knows which rows account for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db.models import Case, DateTimeField, When
from django.db.models.functions import Coalesce

from ...storage.keys import PREVIEWS, UPLOADS
from ...storage.protocol import UploadStorage
from .findings import Findings, Moment, lost, strays
from .pairs import Pair, live_keys, side_by_side


class Walk(Protocol):
    """Either method raises StorageError if storage does not answer, or lists in no order: then nothing is known."""

    def pairs(self, storage: UploadStorage, *, after: str) -> Iterator[Pair]:
        """Every key after `after` that either side has, in order."""
        ...

    def find(self, batch: Sequence[Pair], storage: UploadStorage, *, began: datetime) -> Findings:
        """The keys that match nothing; changes none. `began` is earlier than the listing, by the database's clock."""
        ...


@dataclass(frozen=True, slots=True)
class Originals(Walk):
    """Live rows beside the objects of uploads."""

    def pairs(self, storage: UploadStorage, *, after: str) -> Iterator[Pair]:
        return side_by_side(live_keys(after), storage.objects(UPLOADS, after=after), after=after)

    def find(self, batch: Sequence[Pair], storage: UploadStorage, *, began: datetime) -> Findings:
        listed = [pair.found for pair in batch if pair.found is not None]
        return Findings(
            rows=sum(pair.has_row for pair in batch),
            objects=len(listed),
            rows_without_object=lost([pair.key for pair in batch if pair.found is None], storage),
            objects_without_row=strays(listed, until="removed_at", began=began),
        )


@dataclass(frozen=True, slots=True)
class Previews(Walk):
    """The objects of previews. A live row may lack its preview, so no row is looked for."""

    def pairs(self, storage: UploadStorage, *, after: str) -> Iterator[Pair]:
        return side_by_side((), storage.objects(PREVIEWS, after=after), after=after)

    def find(self, batch: Sequence[Pair], storage: UploadStorage, *, began: datetime) -> Findings:
        listed = [pair.found for pair in batch if pair.found is not None]
        return Findings(objects=len(listed), objects_without_row=strays(listed, until="removed_at", began=began))


@dataclass(frozen=True, slots=True)
class Transfers(Walk):
    """The open transfers under one prefix; `until` is the moment of a row from which on it has none."""

    prefix: str
    until: Moment

    def pairs(self, storage: UploadStorage, *, after: str) -> Iterator[Pair]:
        return side_by_side((), storage.transfers(self.prefix, after=after), after=after)

    def find(self, batch: Sequence[Pair], storage: UploadStorage, *, began: datetime) -> Findings:
        listed = [pair.found for pair in batch if pair.found is not None]
        return Findings(transfers=len(listed), transfers_without_row=strays(listed, until=self.until, began=began))


# A complete upload has no transfer, except while it is being cleaned.
_SETTLED = Case(
    When(cleaning_due_at__isnull=False, then=None),
    default=Coalesce("cleaned_at", "completed_at"),
    output_field=DateTimeField(),
)
# A round names a walk by its number here. The preview of an upload may have a transfer until it is removed.
WALKS: tuple[Walk, ...] = (
    Originals(),
    Previews(),
    Transfers(UPLOADS, until=_SETTLED),
    Transfers(PREVIEWS, until="removed_at"),
)
