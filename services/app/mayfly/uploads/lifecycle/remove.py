"""The removal of uploads: first out of sight, then out of storage, then proven."""

import logging
import random
from collections.abc import Sequence
from time import monotonic

from django.db import transaction
from django.db.models.functions import Now

from ...storage.protocol import StorageError, UploadStorage
from ..choices import Kind, State
from ..limits import limits
from ..locks import transaction_lock
from ..models import Upload
from ..queries import UploadQuerySet

logger = logging.getLogger(__name__)

# The most keys that one DeleteObjects takes.
BATCH = 1000
# Stop aborting transfers after this many seconds per batch. An unanswered abort takes up to 10 s, and the rest
# must be removed before Celery's soft limit of 20 s and the router's 30 s. The next sweep continues.
ABORT_SECONDS = 5


def remove(upload: Upload, *, storage: UploadStorage) -> bool:
    """Remove one upload, pending or ready, before its time. False if another removal came first."""
    return bool(remove_all(Upload.objects.filter(pk=upload.pk), storage=storage))


def remove_all(uploads: UploadQuerySet, *, storage: UploadStorage) -> int:
    """Remove those of these uploads that are pending or ready, before their time. Returns how many."""
    ids = mark(uploads)
    _remove_bytes_now(ids, storage)
    return len(ids)


def clear(*, box: str, kind: Kind | None = None, storage: UploadStorage) -> int:
    """Remove all of a box's uploads, or all of one kind, including transfers in progress. Returns how many."""
    uploads = Upload.objects.of(box)
    if kind is not None:
        uploads = uploads.filter(kind=kind)
    with transaction.atomic(durable=True):
        transaction_lock(box)
        ids = mark(uploads)
    _remove_bytes_now(ids, storage)
    return len(ids)


def keep_newest(box: str, *, storage: UploadStorage) -> None:
    """Remove the box's live images except the newest `images_kept`. Call it under the box's lock.

    An expired image does not count, and is left to the sweep.
    """
    if not limits.images_kept:
        return
    images = Upload.objects.of(box).live().filter(kind=Kind.IMAGE)
    surplus = list(images.values_list("pk", flat=True)[limits.images_kept :])
    ids = mark(Upload.objects.filter(pk__in=surplus))
    transaction.on_commit(lambda: _remove_bytes_now(ids, storage), robust=True)


def discard(upload: Upload, *, storage: UploadStorage) -> None:
    """Remove all bytes of a row that is about to be deleted in the admin. Raises StorageError: then keep the row."""
    storage.abort_transfers(upload.key)
    for why in storage.remove(upload.keys).values():
        raise StorageError(why)
    left = set(upload.keys) - storage.absent(upload.keys)
    if left:
        raise StorageError(f"{', '.join(left)} still there")


def mark(uploads: UploadQuerySet) -> list[str]:
    """Commit `removing` for the pending and ready among `uploads`, waiting for their locks. Returns their ids."""
    with transaction.atomic():
        # Locks are taken in the order of ids, so that two callers never wait for each other.
        standing = uploads.standing().select_for_update().order_by("pk")
        return _turn_removing(list(standing.values_list("pk", flat=True)))


def mark_due(limit: int) -> list[str]:
    """Commit `removing` for up to `limit` of the longest overdue uploads that no other transaction holds."""
    with transaction.atomic():
        # Ordered by deadline, because Postgres could walk through all live uploads to give them in the order of ids.
        due = Upload.objects.due().select_for_update(skip_locked=True).order_by("expires_at")
        return _turn_removing(list(due.values_list("pk", flat=True)[:limit]))


def remove_bytes(ids: Sequence[str], storage: UploadStorage) -> list[str]:
    """Remove the bytes of these `removing` rows, then commit `gone` for each row of which storage has nothing.

    Returns the ids that are gone. The rows are locked during this, so that two sweeps share the work; the locks end
    with their process. The transfer is aborted before the object is removed. A `complete` in progress is then either
    earlier, and its object is removed here, or later, and finds no transfer. The other order could leave an object
    behind.
    """
    with transaction.atomic():
        uploads = list(Upload.objects.removing().filter(pk__in=ids).select_for_update(skip_locked=True))
        if not uploads:
            return []
        # Shuffle, so that one slow upload does not delay the same neighbours on every sweep.
        random.shuffle(uploads)
        still_open = _abort_transfers(uploads, storage)
        # Originals and previews separately: `absent` lists by common prefix, and theirs differ.
        absent = _removed_keys([upload.key for upload in uploads], storage)
        absent |= _removed_keys([upload.preview_key for upload in uploads if upload.may_have_preview], storage)
        gone = [
            upload.pk
            for upload in uploads
            if upload.key not in still_open and all(key in absent for key in upload.keys)
        ]
        Upload.objects.removing().filter(pk__in=gone).update(
            state=State.GONE, removed_at=Now(), name="", title="", address="", transfer_id=""
        )
    return gone


def _turn_removing(ids: list[str]) -> list[str]:
    Upload.objects.standing().filter(pk__in=ids).update(state=State.REMOVING)
    return ids


def _remove_bytes_now(ids: Sequence[str], storage: UploadStorage) -> None:
    """Finish a removal within a request. Failures are left to the sweep: the upload is already out of sight."""
    for start in range(0, len(ids), BATCH):
        try:
            remove_bytes(ids[start : start + BATCH], storage)
        except StorageError:
            logger.warning("storage does not remove now; the sweep will", exc_info=True)
            return


def _abort_transfers(uploads: Sequence[Upload], storage: UploadStorage) -> set[str]:
    """Abort the transfers of uploads that were never complete. Returns the keys whose transfer may still be open."""
    still_open = set()
    stop = monotonic() + ABORT_SECONDS
    for upload in uploads:
        if upload.completed_at is not None:
            continue
        if monotonic() > stop:
            still_open.add(upload.key)
            continue
        try:
            storage.abort_transfers(upload.key)
        except StorageError as error:
            logger.warning("%s: its transfer is still open: %s", upload, error)
            still_open.add(upload.key)
    return still_open


def _removed_keys(keys: list[str], storage: UploadStorage) -> set[str]:
    """Remove these objects. Returns the keys under which storage has nothing now."""
    if not keys:
        return set()
    errors = storage.remove(keys)
    # A receipt states the answer of storage to a second question, not that storage accepted the order.
    absent = storage.absent([key for key in keys if key not in errors])
    for key in set(keys) - absent:
        logger.warning("%s is not removed: %s", key, errors.get(key, "it is still there"))
    return absent
