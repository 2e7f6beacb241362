"""The list on a visitor's page: one query."""

from datetime import datetime, timedelta
from typing import NamedTuple

from .choices import Kind
from .content import TEXT
from .limits import PAGE
from .models import Upload
from .prepared import Prepared
from .queries import UploadQuerySet
from .refusals import in_words


class Listed(NamedTuple):
    """An upload in its owner's list, with the names and the values that Upload has for it."""

    pk: str
    kind: str
    state: str
    name: str
    title: str
    size: int
    lifetime: timedelta
    expires_at: datetime
    has_preview: bool
    preview_due_at: datetime | None
    proven_type: str
    fetched_count: int
    fetched_at: datetime | None
    code: str | None
    bundle: str | None
    refusal: str
    password: str
    downloads_most: int | None
    downloads_taken: int
    time_left: timedelta

    @property
    def has_picture(self) -> bool:
        """Whether it has a picture in its owner's list, or one is being made; as Upload has it."""
        is_text = self.proven_type == TEXT
        return self.kind == Kind.IMAGE or self.has_preview or (self.preview_due_at is not None and not is_text)

    @property
    def is_taken(self) -> bool:
        """Whether others have taken all the downloads that its limit allows; as Upload has it."""
        return self.downloads_most is not None and self.downloads_taken >= self.downloads_most

    @property
    def why_refused(self) -> str:
        """Why it was refused, in the active language; empty if it was not."""
        return in_words(self.refusal)


def listed(box: str, kind: Kind) -> list[Listed]:
    """The box's uploads of this kind that `live_or_refused` finds, newest first, each with its time left.

    The newest one of a bundle stands for all of them.

    They are one more than a page has, at most; `paging` then asks for the page itself.
    """
    return [Listed._make(row) for row in _rows.rows(box, kind)]


def of_box(box: str, kind: str) -> UploadQuerySet:
    """Their query, without an end."""
    return Upload.objects.live_or_refused().filter(box=box, kind=kind).heading_their_bundle(kind).with_time_left()


_rows = Prepared(lambda box, kind: of_box(box, kind).values_list(*Listed._fields)[: PAGE + 1], "the box", "the kind")
