"""May this visitor have this bundle now? Its uploads are opened by `uploads.opening`, by the same protection."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ..uploads.bundle import Bundle
from ..uploads.choices import State
from ..uploads.errors import Gone, Locked, Unconfirmed, Unknown
from ..uploads.lifecycle import take
from ..uploads.models import Upload
from ..uploads.opening import Taken, Visitor, check_prepared
from .reading import Content, content_of


@dataclass(frozen=True, slots=True)
class Receipt:
    """The rest of a removed bundle, with the names that a receipt of an upload has."""

    ended: str
    expires_at: datetime
    removing_since: datetime | None
    removed_at: datetime | None  # null as long as storage has something of it
    is_early: bool


def open_bundle(bundle_id: str, visitor: Visitor) -> Content:
    """The bundle with this id and what is in it, for any visitor with the link and, if it has one, the password.

    Its owner sees an open bundle even if nothing is in it.

    Raises:
        Locked: it has a password, and the visitor has no pass.
        Gone: it has expired, was removed, or others have taken all its downloads; `receipt` has what is left.
        Unknown: there never was anything in such a bundle.
    """
    bundle = Bundle.objects.with_time_left().filter(pk=bundle_id).first()
    if bundle is None:
        raise Unknown
    content = content_of(bundle)
    if visitor.box == bundle.box and (content.ready or Bundle.objects.open().filter(pk=bundle.pk).exists()):
        return content
    if not content.ready:
        receipt(bundle_id)
        raise Gone
    if bundle.is_taken and bundle.pk not in visitor.taken:
        raise Gone
    if not bundle.accepts(visitor.passes.get(bundle.pk)):
        raise Locked(bundle, content.expires_at, content.time_left)
    return content


def open_zip(bundle_id: str, visitor: Visitor) -> Content:
    """As `open_bundle`, to have all of it.

    Raises:
        Unconfirmed: a download of it begins with `take_zip`.
        Preparing: an image in it has not been cleaned yet.
    """
    content = _prepared(open_bundle(bundle_id, visitor))
    if content.bundle.asks_first and visitor.box != content.bundle.box:
        raise Unconfirmed
    return content


def look_at_zip(bundle_id: str, visitor: Visitor) -> Content:
    """As `open_zip`, to learn its length: it takes no download, and needs no confirmation."""
    return _prepared(open_bundle(bundle_id, visitor))


def take_zip(bundle_id: str, visitor: Visitor, *, leaving: timedelta) -> Taken:
    """As `open_zip`, by a visitor who has confirmed it: one of its downloads is taken, if their number is limited.

    The last one leaves the uploads `leaving`, since all of them are read in that time. The owner takes none, and a
    visitor who took one within the last minute goes on with that one.
    """
    bundle = _prepared(open_bundle(bundle_id, visitor)).bundle
    if bundle.downloads_most is None or visitor.box == bundle.box:
        return Taken("")
    if bundle.pk in visitor.taken:
        return Taken("", again=True)
    take(bundle, leaving=leaving)
    return Taken("", counted=bundle)


def open_taken(bundle_id: str) -> Content:
    """The live bundle, for a visitor who took a download of it a moment ago. Raises Gone, Unknown, Preparing."""
    bundle = Bundle.objects.with_time_left().filter(pk=bundle_id).first()
    if bundle is None:
        raise Unknown
    content = content_of(bundle)
    if not content.ready:
        raise Gone
    return _prepared(content)


def receipt(bundle_id: str) -> Receipt:
    """The one receipt of all its uploads that were ready once. Raises Unknown: there were none."""
    bundle = Bundle.objects.filter(pk=bundle_id).first()
    rows = list(Upload.objects.filter(bundle=bundle_id, completed_at__isnull=False).order_by("removing_since", "pk"))
    if bundle is None or not rows:
        raise Unknown
    last = rows[-1]
    ended = bundle.ended or last.ended
    gone = [row.removed_at for row in rows if row.removed_at is not None and row.state == State.GONE]
    return Receipt(
        ended=ended,
        expires_at=max(row.expires_at for row in rows),
        removing_since=last.removing_since,
        removed_at=max(gone) if len(gone) == len(rows) else None,
        is_early=ended not in ("", "expired"),
    )


def _prepared(content: Content) -> Content:
    """The content, of which all bytes may be given out. Raises Preparing."""
    for upload in content.ready:
        check_prepared(upload)
    return content
