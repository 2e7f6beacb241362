"""The pages of a box's list, newest first.

A cursor is the id of an upload: a page goes on after it, or ends before it. Its row marks the place, so a cursor works
for as long as the upload or its receipt is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.db.models import Q
from django.utils.translation import gettext as _

from .choices import Kind, State
from .errors import NotAllowed
from .ids import is_id
from .limits import PAGE
from .listing import Listed, listed
from .models import Upload
from .queries import UploadQuerySet

REFUSED_SHOWN = 10  # images above the first page


@dataclass(slots=True)
class Page:
    """Some uploads of a list, and the cursors of the pages beside it: `newer` ends before its own, `older` after."""

    uploads: list[Upload]
    newer: str | None = None
    older: str | None = None


@dataclass(slots=True)
class Overview:
    """A page as its owner sees it: with refused images, and with figures over all pages.

    The newest upload of a bundle stands for all of them. `total` counts those, and `count` all uploads on its own.
    """

    uploads: Sequence[Upload | Listed]
    newer: str | None = None
    older: str | None = None
    refused: Sequence[Upload | Listed] = ()
    total: int = 0
    count: int = 0
    next_to_expire: Upload | Listed | None = None


def page_after(own: UploadQuerySet, cursor: str = "", *, limit: int = PAGE) -> Page:
    """The `limit` newest live ones of a visitor's `own` uploads, or the newest of those older than the cursor's.

    Raises NotAllowed if the cursor is no upload of theirs, nor the receipt of one.
    """
    older = own.live().filter(_beyond(own, cursor, "lt")) if cursor else own.live()
    found = list(older[: limit + 1])
    page = Page(found[:limit])
    if cursor and found:
        page.newer = found[0].pk
    if len(found) > limit:
        page.older = page.uploads[-1].pk
    return page


def page_before(own: UploadQuerySet, cursor: str, *, limit: int = PAGE) -> Page:
    """The `limit` oldest of those newer than the cursor's; the first page, if it has all of them. Raises NotAllowed."""
    newer = own.live().filter(_beyond(own, cursor, "gt")).order_by("completed_at", "pk")
    found = list(newer[: limit + 1])
    if len(found) <= limit:
        return page_after(own, limit=limit)
    found = found[limit - 1 :: -1]
    return Page(found, newer=found[0].pk, older=found[-1].pk)


def overview(box: str, kind: Kind, *, after: str = "", before: str = "", found: list[Listed] | None = None) -> Overview:
    """A page of the box's uploads of this kind; the first page if the cursor leads nowhere. One query if it has all.

    None at all if the caller has `found` what `listed` finds.
    """
    if not after and not before:
        found = listed(box, kind) if found is None else found
        if len(found) <= PAGE:
            return _whole(found)
    all_of_kind = Upload.objects.filter(box=box, kind=kind)
    own = all_of_kind.heading_their_bundle(kind).with_time_left()
    page = _page(own, after, before)
    refused = [] if page.newer else list(own.refused()[:REFUSED_SHOWN])
    next_to_expire = own.live().order_by("expires_at").first()
    return Overview(
        page.uploads, page.newer, page.older, refused, own.live().count(), all_of_kind.live().count(), next_to_expire
    )


def _whole(found: list[Listed]) -> Overview:
    live = [upload for upload in found if upload.state == State.READY]
    refused = [upload for upload in found if upload.state != State.READY][:REFUSED_SHOWN]
    return Overview(
        live,
        refused=refused,
        total=len(live),
        count=len(live),
        next_to_expire=min(live, key=attrgetter("time_left"), default=None),
    )


def _page(own: UploadQuerySet, after: str, before: str) -> Page:
    try:
        page = page_before(own, before) if before else page_after(own, after)
    except NotAllowed:
        return page_after(own)
    return page if page.uploads else page_after(own)


def _beyond(own: UploadQuerySet, cursor: str, comparison: str) -> Q:
    """The condition of being newer (`gt`) or older (`lt`) than the cursor's upload, in the order of time and id.

    The time is compared inside the database, because SQLite writes the same time in two ways.
    """
    place = own.filter(pk=cursor, completed_at__isnull=False)
    # Postgres takes no text with a NUL, so nothing that is no id is asked for.
    if not is_id(cursor) or not place.exists():
        raise NotAllowed("cursor", _("This page of the list is no longer there. Begin with the first."), field="cursor")
    time = place.values("completed_at")
    return Q(**{f"completed_at__{comparison}e": time}) & (
        Q(**{f"completed_at__{comparison}": time}) | Q(**{f"pk__{comparison}": cursor})
    )
