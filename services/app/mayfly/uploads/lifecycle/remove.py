"""The removal of uploads: first out of sight, then out of storage (`erase`)."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from django.db import transaction
from django.db.models import Case, Value, When
from django.db.models.functions import Now

from ...storage.protocol import StorageError, UploadStorage
from ..bundle import Bundle
from ..choices import End, Kind, State
from ..limits import limits
from ..locks import transaction_lock
from ..models import Upload
from ..queries import UploadQuerySet
from .erase import SHARE, erase
from .joined import bundles_of, end_bundles, look_soon

logger = logging.getLogger(__name__)

# How many rows are marked in one transaction.
BATCH = 1000
# A visitor's request begins no further share of a removal after this many seconds. A share takes about one more, and
# the next sweep is as far away.
REQUEST_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Cleared:
    """How many uploads were taken out of sight, and how many of them are still being removed from storage."""

    removed: int
    left: int


def remove(upload: Upload, *, end: End = End.OWNER, storage: UploadStorage) -> bool:
    """Remove one upload, pending or ready, before its time. False if another removal came first."""
    return bool(remove_all(Upload.objects.filter(pk=upload.pk), end=end, storage=storage))


def remove_all(uploads: UploadQuerySet, *, end: End = End.OWNER, storage: UploadStorage) -> int:
    """Remove those of these uploads that are pending or ready, before their time. Returns how many."""
    ids = mark(uploads, end=end)
    erase_now(ids, storage)
    return len(ids)


def remove_whole_bundles(box: str, uploads: UploadQuerySet, *, storage: UploadStorage) -> list[str]:
    """As `remove_all`, with all that is in a bundle with one of them. Returns the ids of what was removed.

    All of them are in the same box, and under its lock nothing joins a bundle meanwhile.
    """
    with transaction.atomic(durable=True):
        transaction_lock(box)
        ids = mark_whole_bundles(uploads, end=End.OWNER)
    erase_now(ids, storage)
    return ids


def clear(*, box: str, kind: Kind | None = None, storage: UploadStorage) -> Cleared:
    """Remove all of a box's uploads, or all of one kind, including transfers in progress.

    A bundle goes as a whole, also if only some of it is of this kind. All are out of sight at once. Their bytes are
    removed for REQUEST_SECONDS, and the sweep continues.
    """
    uploads = Upload.objects.of(box)
    if kind is not None:
        uploads = uploads.filter(kind=kind)
    with transaction.atomic(durable=True):
        transaction_lock(box)
        ids = mark_whole_bundles(uploads, end=End.OWNER)
        if kind is None:
            end_bundles(list(Bundle.objects.open().of(box).values_list("pk", flat=True)), End.OWNER)
    erase_now(ids, storage)
    return Cleared(removed=len(ids), left=Upload.objects.removing().filter(pk__in=ids).count())


def keep_newest(box: str, *, storage: UploadStorage) -> None:
    """Remove the box's live images except the newest `images_kept`. Call it under the box's lock.

    A bundle counts as one, as new as the newest image in it, and goes as a whole. An expired image does not count, and
    is left to the sweep.
    """
    if not limits.images_kept:
        return
    images = Upload.objects.of(box).live().filter(kind=Kind.IMAGE)
    kept_apart = images.heading_their_bundle(Kind.IMAGE)
    surplus = list(kept_apart.values_list("pk", flat=True)[limits.images_kept :])
    ids = mark_whole_bundles(Upload.objects.filter(pk__in=surplus), end=End.NEWER)
    transaction.on_commit(lambda: erase_now(ids, storage), robust=True)


def discard(upload: Upload, *, storage: UploadStorage) -> None:
    """Remove all bytes of a row that is about to be deleted in the admin. Raises StorageError: then keep the row."""
    storage.abort_transfers(upload.key)
    for why in storage.remove(upload.keys).values():
        raise StorageError(why)
    left = set(upload.keys) - storage.absent(upload.keys)
    if left:
        raise StorageError(f"{', '.join(left)} still there")


def mark(uploads: UploadQuerySet, *, end: End) -> list[str]:
    """Commit `removing` for the pending and ready among `uploads`, waiting for their locks. Returns their ids.

    `end` is what ends them; an upload whose time was over before has expired all the same.
    """
    with transaction.atomic():
        # Locks are taken in the order of ids, so that two callers never wait for each other.
        standing = uploads.standing().select_for_update().order_by("pk")
        return _turn_removing(list(standing.values_list("pk", "bundle")), end)


def mark_whole_bundles(uploads: UploadQuerySet, *, end: End) -> list[str]:
    """As `mark`, for these uploads and all that is in a bundle with one of them; the bundles end as well."""
    with transaction.atomic():
        bundles = bundles_of(uploads)
        whole = uploads | Upload.objects.filter(bundle__in=bundles) if bundles else uploads
        ids = mark(whole, end=end)
        end_bundles(bundles, end)
    return ids


def mark_due(limit: int) -> list[str]:
    """Commit `removing` for up to `limit` of the longest overdue uploads that no other transaction holds."""
    with transaction.atomic():
        # Ordered by deadline, because Postgres could walk through all live uploads to give them in the order of ids.
        due = Upload.objects.due().select_for_update(skip_locked=True).order_by("expires_at")
        return _turn_removing(list(due.values_list("pk", "bundle")[:limit]), End.EXPIRED)


def _turn_removing(uploads: Sequence[tuple[str, str | None]], end: End) -> list[str]:
    ids = [pk for pk, _ in uploads]
    taken = When(ended=End.TAKEN, then=Value(End.TAKEN))  # its last minute is over, or was cut short
    why = Case(taken, When(expires_at__lte=Now(), then=Value(End.EXPIRED)), default=Value(end))
    Upload.objects.standing().filter(pk__in=ids).update(state=State.REMOVING, removing_since=Now(), ended=why)
    look_soon({bundle for _, bundle in uploads if bundle})
    return ids


def erase_now(ids: Sequence[str], storage: UploadStorage) -> None:
    """Finish a removal within a request, or as much of it as REQUEST_SECONDS allow.

    The rest, and what fails, is left to the sweep: the uploads are out of sight already.
    """
    until = monotonic() + REQUEST_SECONDS
    for start in range(0, len(ids), SHARE):
        if monotonic() > until:
            return
        try:
            erase(ids[start : start + SHARE], storage)
        except StorageError:
            logger.warning("storage does not remove now; the sweep will", exc_info=True)
            return
