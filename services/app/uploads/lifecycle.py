"""Every change of an upload's state. Nothing else writes to the table or decides what storage keeps.

    pending → ready → removing → gone → (row purged)        pending → removing, when refused or abandoned

Each change is one conditional UPDATE: whoever's update hits no row lost the race and does nothing. Steps are
ordered so that every one of them may be cut off anywhere and run again; `sweep` runs them again.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import zip_longest
from time import monotonic

from django.db import transaction
from django.db.models.functions import Now
from django.dispatch import Signal
from django.utils.translation import gettext as _

from . import policy
from .models import State, Upload, UploadQuerySet, alone, lock
from .policy import Kind, NotAllowed
from .storage.protocol import Part, SignedPart, StorageError, TransferNotFound, UploadStorage
from .storage.signing import PREVIEW_TYPE

logger = logging.getLogger(__name__)

# Sent with `upload` and `storage` inside the transaction that makes an upload ready.
became_ready = Signal()

# How long a signed part URL is good for. Storage looks at it when a part begins to arrive; a new one is a call away.
PART_URL_LIFETIME = timedelta(minutes=15)
# The longest that a download URL is good for: time enough to follow a redirect, too short to be passed on.
DOWNLOAD_URL_LIFETIME = timedelta(seconds=60)
# Whoever has claimed an image for this long is dead: above Celery's hard limit of 25 s.
PREVIEW_CLAIM = timedelta(seconds=30)
# What a picture that killed its decoder waits before the next attempt.
PREVIEW_PAUSE = timedelta(seconds=5)
# The most that one DeleteObjects takes.
BATCH = 1000
# After so long no further transfer is closed in one go. One that storage does not answer takes 10 s, and removing the
# rest has to end before Celery's soft limit of 20 s and the router's 30 s; the next sweep goes on.
ABORT_SECONDS = 5


class PartsMissing(Exception):
    """Storage does not have these parts yet."""

    def __init__(self, numbers: list[int]):
        super().__init__(f"{len(numbers)} parts are missing")
        self.numbers = numbers


class Refused(Exception):
    """The upload is not what it was declared to be, and is being removed; `str()` tells people why, not its name."""


class Gone(Exception):
    """The upload has expired, or was removed."""


def begin(
    *,
    box: str,
    kind: Kind,
    name: str,
    size: int,
    address: str = "",
    title: str = "",
    lifetime: timedelta | None = None,
    storage: UploadStorage,
) -> Upload:
    """A new pending upload of `size` bytes, with an open transfer in storage; `address` is where it comes from.

    The row is committed, with its key and deadline, before storage hears of it: no object without a row.

    Raises:
        NotAllowed: the policy forbids it, or the quota of the box or of the address.
        StorageError: storage could not open a transfer; the row is on its way out.
    """
    lifetime = policy.limits.lifetime if lifetime is None else lifetime
    policy.check_size(kind, size)
    policy.check_lifetime(lifetime)
    name, title = policy.clean_name(name), policy.clean_title(title)
    with transaction.atomic(durable=True):
        lock(box)
        policy.check_box_quota(Upload.objects.of(box).standing().bytes(), size)
        if address:
            lock(address)
            policy.check_address_quota(Upload.objects.sent_from(address).standing().bytes(), size)
        upload = Upload.objects.create(
            box=box,
            address=address,
            kind=kind,
            name=name,
            title=title,
            size=size,
            part_size=policy.part_size(size),
            lifetime=lifetime,
            expires_at=Now() + policy.limits.transfer_time,
        )
    try:
        transfer_id = storage.begin(upload.key, content_type=policy.OCTETS)
    except StorageError:
        remove(upload, storage=storage)
        raise
    if not Upload.objects.pending().filter(pk=upload.pk).update(transfer_id=transfer_id):
        # Cleared in the meantime; that removal may have looked for transfers before there was one.
        storage.abort(upload.key)
        raise Gone
    upload.refresh_from_db()
    return upload


def sign_parts(upload: Upload, numbers: Sequence[int], *, storage: UploadStorage) -> list[SignedPart]:
    """A signed URL for each of these parts, good for PART_URL_LIFETIME and never beyond the transfer's deadline.

    Raises:
        NotAllowed: a number is not in the upload's plan.
        Gone: the upload is not pending any more, or its deadline has passed.
    """
    pending = Upload.objects.pending().with_time_left().filter(pk=upload.pk).first()
    if pending is None or pending.time_left < timedelta(seconds=1):
        raise Gone
    lifetime = min(PART_URL_LIFETIME, pending.time_left)
    return [
        storage.sign_part(upload.key, upload.transfer_id, number, upload.plan.size_of(number), lifetime=lifetime)
        for number in numbers
    ]


def arrived(upload: Upload, *, storage: UploadStorage) -> list[Part]:
    """The parts of a pending upload that storage has, by number. Raises Gone."""
    if not Upload.objects.pending().filter(pk=upload.pk).exists():
        raise Gone
    try:
        parts = storage.parts(upload.key, upload.transfer_id)
    except TransferNotFound:
        raise Gone from None
    return [parts[number] for number in sorted(parts)]


def complete(upload: Upload, *, storage: UploadStorage) -> Upload:
    """Turn a pending upload ready, once every part has arrived as declared.

    Safe to repeat, and to call twice at once: who comes second gets the upload as the first one left it.

    Raises:
        PartsMissing: with the numbers that storage does not have.
        Refused: the parts or the first bytes are not what was declared; the upload is being removed.
        Gone: the upload has expired, or was removed.
    """
    # Storage may show an object half made while it is completed a second time, and its first bytes would be wrong.
    with alone(upload.pk):
        upload.refresh_from_db()
        if upload.state == State.PENDING:
            _complete(upload, storage)
    upload.refresh_from_db()
    return _as_it_is(upload)


def download_url(upload: Upload, *, storage: UploadStorage) -> str:
    """A signed URL of the bytes, good for DOWNLOAD_URL_LIFETIME and never past `expires_at`.

    Raises:
        Gone: the upload has expired, or was removed; or storage has lost its object, and now the row goes too.
        StorageError: storage does not answer.
    """
    live = _to_sign_for(upload)
    if storage.size(live.key) is None:
        # Lost by storage: a row that offers nothing goes with the first download that finds out.
        logger.error("%s is ready, and storage does not have it", live)
        remove(live, storage=storage)
        raise Gone
    return storage.sign_download(
        live.key,
        name=live.name,
        content_type=live.content_type,
        lifetime=min(DOWNLOAD_URL_LIFETIME, live.time_left),
    )


def preview_url(upload: Upload, *, storage: UploadStorage) -> str | None:
    """A signed URL that shows the preview, good for as long as a download's; None where there is none yet. Raises Gone.

    Storage is not asked whether it has the preview: a page has many, and a picture that is lost only is not seen.
    """
    live = _to_sign_for(upload)
    if not live.has_preview:
        return None
    return storage.sign_preview(live.preview_key, lifetime=min(DOWNLOAD_URL_LIFETIME, live.time_left))


def claim_preview() -> Upload | None:
    """The image that has waited longest for its preview, to be made by the caller alone; None where none waits.

    The attempt is counted before it begins, so that one which takes the whole worker along is counted as well.
    The claim ends by itself after PREVIEW_CLAIM.
    """
    with transaction.atomic(durable=True):
        upload = Upload.objects.wanting_a_preview().select_for_update(skip_locked=True).first()
        if upload:
            upload.preview_attempts += 1
            Upload.objects.filter(pk=upload.pk).update(
                preview_attempts=upload.preview_attempts, preview_due_at=Now() + PREVIEW_CLAIM
            )
    return upload


def keep_preview(upload: Upload, preview: bytes, *, storage: UploadStorage) -> bool:
    """Store the preview that was made of a claimed image, and offer it. False where the image has gone meanwhile.

    A removal that came first has looked for a preview before there was one, so it is taken back here; one that comes
    later finds it. Cut off in between it is left to reconcile, and nobody can see it.

    Raises:
        StorageError: storage did not take it; the claim still stands, and will end by itself.
    """
    storage.put(upload.preview_key, preview, content_type=PREVIEW_TYPE)
    if Upload.objects.live().filter(pk=upload.pk).update(has_preview=True, preview_due_at=None):
        return True
    storage.remove([upload.preview_key])
    return False


def postpone_preview(upload: Upload, *, counts: bool) -> None:
    """Let a claimed image wait for another attempt; one that does not count had to do with us, not with the image."""
    changes = (
        {"preview_due_at": Now() + PREVIEW_PAUSE}
        if counts
        else {"preview_due_at": Now() + PREVIEW_CLAIM, "preview_attempts": upload.preview_attempts - 1}
    )
    Upload.objects.live().filter(pk=upload.pk, preview_attempts=upload.preview_attempts).update(**changes)


def refuse(upload: Upload, reason: str, *, storage: UploadStorage) -> None:
    """Remove an upload that is not what was declared, and keep the reason for its owner.

    Not where it has another state by now than `upload` says, or a preview: then somebody has found otherwise.
    """
    if Upload.objects.filter(pk=upload.pk, state=upload.state, has_preview=False).update(refusal=reason):
        remove(upload, storage=storage)


def remove(upload: Upload, *, storage: UploadStorage) -> bool:
    """Remove one upload, pending or ready, before its time. False where another removal came first."""
    return bool(remove_all(Upload.objects.filter(pk=upload.pk), storage=storage))


def remove_all(uploads: UploadQuerySet, *, storage: UploadStorage) -> int:
    """Remove those of these that are pending or ready, before their time. Returns how many."""
    ids = _mark(uploads)
    _take_away_now(ids, storage)
    return len(ids)


def clear(*, box: str, kind: Kind | None = None, storage: UploadStorage) -> int:
    """Remove all of a box's uploads, or all of one kind, transfers under way too. Returns how many."""
    uploads = Upload.objects.of(box)
    with transaction.atomic(durable=True):
        lock(box)
        ids = _mark(uploads if kind is None else uploads.filter(kind=kind))
    _take_away_now(ids, storage)
    return len(ids)


def keep_newest(box: str, *, storage: UploadStorage) -> None:
    """Remove the box's live images but the newest `images_kept`. Call it under the box's lock.

    One whose time is over does not count, and is left to the sweep.
    """
    if kept := policy.limits.images_kept:
        images = Upload.objects.of(box).live().filter(kind=Kind.IMAGE)
        ids = _mark(Upload.objects.filter(pk__in=list(images.values_list("pk", flat=True)[kept:])))

        def take_away() -> None:  # Django logs a failure by the function's name, which a partial does not have
            _take_away_now(ids, storage)

        transaction.on_commit(take_away, robust=True)


def discard(upload: Upload, *, storage: UploadStorage) -> None:
    """Drop all bytes of a row that is about to be deleted in the admin. Raises StorageError: then keep the row."""
    storage.abort(upload.key)
    for why in storage.remove(upload.keys).values():
        raise StorageError(why)
    if left := set(upload.keys) - storage.absent(upload.keys):
        raise StorageError(f"{', '.join(left)} still there")


def sweep(*, storage: UploadStorage, batch: int = BATCH) -> int:
    """Remove all that is due or half removed, and purge old receipts. Returns how many uploads are gone now.

    Any number may run at once: each batch is taken with SKIP LOCKED. What storage fails to remove stays
    `removing`, holds nothing else up, and is tried again by the next sweep.
    """
    while _mark(Upload.objects.due(), most=batch):
        pass
    removed = 0
    # A transfer is a question of its own, and one that storage does not answer takes half of what time a sweep has.
    for transfers in (False, True):
        last = ""
        while ids := _removing_after(last, batch, transfers=transfers):
            removed += _take_away(ids, storage)
            last = ids[-1]
    while ids := list(_old_receipts().values_list("pk", flat=True)[:batch]):
        Upload.objects.gone().filter(pk__in=ids).delete()
    return removed


class Receiver:
    """Takes a stream that passes through us (a form, `curl -T`) into parts, with one part in memory at a time.

    The upload's size may be an upper bound until `finish`, as for a form, which does not tell it beforehand.
    """

    def __init__(self, upload: Upload, *, storage: UploadStorage):
        self.upload, self.storage = upload, storage
        self.received, self._part, self._buffer = 0, 0, bytearray()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes. Raises NotAllowed beyond the declared size, Gone, StorageError."""
        self.received += len(chunk)
        if self.received > self.upload.size:
            policy.check_size(self.upload.kind, self.received)
            raise NotAllowed("longer_than_declared", _("More bytes came than were declared."), field="size")
        self._buffer += chunk
        while len(self._buffer) >= self.upload.part_size:
            self._send(self.upload.part_size)

    def close(self) -> None:
        """Send what is left in memory; the stream has ended."""
        if self._buffer:
            self._send(len(self._buffer))

    def finish(self, *, title: str = "", whole: bool = False) -> Upload:
        """Complete the upload with what came; `whole` says that its declared size is exact.

        Raises what `complete` raises; Refused, too, where nothing or less than declared came.
        """
        self.close()
        try:
            title = policy.clean_title(title)
            policy.check_size(self.upload.kind, self.received)
            if whole and self.received < self.upload.size:
                raise NotAllowed("shorter_than_declared", _("Fewer bytes came than were declared."), field="size")
        except NotAllowed as reason:
            refuse(self.upload, str(reason), storage=self.storage)
            raise Refused(str(reason)) from reason
        changes = {"size": self.received} | ({"title": title} if title else {})
        Upload.objects.pending().filter(pk=self.upload.pk).update(**changes)
        self.upload.refresh_from_db()
        return complete(self.upload, storage=self.storage)

    def cancel(self) -> None:
        """Give the upload up, unless it is ready."""
        remove_all(Upload.objects.filter(pk=self.upload.pk, state=State.PENDING), storage=self.storage)

    def _send(self, size: int) -> None:
        self._part += 1
        content = bytes(self._buffer[:size])
        try:
            self.storage.write_part(self.upload.key, self.upload.transfer_id, self._part, content)
        except TransferNotFound:
            raise Gone from None  # cleared in the meantime
        del self._buffer[:size]


def _complete(upload: Upload, storage: UploadStorage) -> None:
    try:
        first = _assemble(upload, storage)
        content_type = policy.content_type_of(upload.kind, first)
    except NotAllowed as reason:
        refuse(upload, str(reason), storage=storage)
        return
    with transaction.atomic(durable=True):
        lock(upload.box)
        won = (
            Upload.objects.pending()
            .filter(pk=upload.pk)
            .update(
                state=State.READY,
                content_type=content_type,
                completed_at=Now(),
                expires_at=Now() + upload.lifetime,
                preview_due_at=Now() if upload.kind == Kind.IMAGE else None,
            )
        )
        if won:
            became_ready.send(sender=Upload, upload=upload, storage=storage)


def _assemble(upload: Upload, storage: UploadStorage) -> bytes:
    """Complete the transfer in storage, unless that has happened, and return the object's first bytes."""
    # Not found: an earlier call was cut off after this step, or runs beside us; or the transfer was aborted.
    with suppress(TransferNotFound):
        if upload.transfer_id:
            parts = storage.parts(upload.key, upload.transfer_id)
            _check_parts(upload, parts)
            storage.complete(upload.key, upload.transfer_id, [parts[number] for number in sorted(parts)])
    # Also after a success: LocalStack lists a part whole while its bytes were cut off by a second, broken PUT.
    size = storage.size(upload.key)
    if size is None:
        raise NotAllowed("transfer_ended", _("The transfer has ended. Begin again."))
    if size != upload.size:
        raise NotAllowed("length_differs", _("Storage did not keep all bytes of it. Send it again."))
    return storage.first_bytes(upload.key, policy.FIRST_BYTES)


def _check_parts(upload: Upload, parts: dict[int, Part]) -> None:
    plan = upload.plan
    if missing := [number for number in range(1, plan.count + 1) if number not in parts]:
        raise PartsMissing(missing)
    if len(parts) != plan.count or any(part.size != plan.size_of(number) for number, part in parts.items()):
        raise NotAllowed("parts_differ", _("The parts that arrived are not those that were declared."))


def _to_sign_for(upload: Upload) -> Upload:
    """The upload with its `time_left`, if that is enough to sign for: a signature counts whole seconds. Raises Gone."""
    live = Upload.objects.live().with_time_left().filter(pk=upload.pk).first()
    if live is None or live.time_left < timedelta(seconds=1):
        raise Gone
    return live


def _as_it_is(upload: Upload) -> Upload:
    if upload.refusal:
        raise Refused(upload.why_refused)
    if not Upload.objects.live().filter(pk=upload.pk).exists():
        raise Gone
    return upload


def _dropped(keys: list[str], storage: UploadStorage) -> set[str]:
    """Remove these objects; returns the keys under which storage has nothing now."""
    errors = storage.remove(keys)
    # What a receipt says is what storage says when asked once more, not that it took the order.
    absent = storage.absent([key for key in keys if key not in errors])
    for key in set(keys) - absent:
        logger.warning("%s is not removed: %s", key, errors.get(key, "it is still there"))
    return absent


def _mark(uploads: UploadQuerySet, *, most: int | None = None) -> list[str]:
    """Commit `removing` for those of `uploads` that stand; returns their ids.

    With `most`, so many of the longest overdue, and none that others hold; else all, waiting for others.
    """
    with transaction.atomic():
        standing = uploads.standing().select_for_update(skip_locked=most is not None)
        # Who waits takes locks in one order, or two would wait for each other. Who does not goes by the deadline: asked
        # for the order of ids, Postgres may go through all live uploads in that order to find the few that are due.
        ids = list(standing.order_by("pk" if most is None else "expires_at").values_list("pk", flat=True)[:most])
        Upload.objects.standing().filter(pk__in=ids).update(state=State.REMOVING)
    return ids


def _old_receipts() -> UploadQuerySet:
    return Upload.objects.gone().filter(removed_at__lt=Now() - policy.limits.receipt_time)


def _removing_after(last: str, batch: int, *, transfers: bool) -> list[str]:
    """The next ids of those on their way out that had become ready, or of those that had not: `transfers`."""
    removing = Upload.objects.removing().filter(completed_at__isnull=transfers, pk__gt=last)
    return list(removing.order_by("pk").values_list("pk", flat=True)[:batch])


def _take_away_now(ids: Sequence[str], storage: UploadStorage) -> None:
    """Finish a removal within a request. What fails here is left to the sweep: the upload is already out of sight."""
    for start in range(0, len(ids), BATCH):
        try:
            _take_away(ids[start : start + BATCH], storage)
        except StorageError:
            logger.warning("storage does not remove now; the sweep will", exc_info=True)
            return


def _take_away(ids: Sequence[str], storage: UploadStorage) -> int:
    """Drop the bytes of these `removing` rows, then commit `gone` for those that storage has let go of.

    The rows stay locked meanwhile, so that two sweeps share the work; a process that dies lets go of them.
    The transfer is aborted before the object is removed: a `complete` under way either comes before, and its
    object is removed here, or after, and finds no transfer. The other order could leave an object behind.
    """
    with transaction.atomic():
        # In another order each time: what takes long today does not hold the same ones up tomorrow.
        uploads = list(Upload.objects.removing().filter(pk__in=ids).order_by("?").select_for_update(skip_locked=True))
        if not uploads:
            return 0
        held, late = set(), monotonic() + ABORT_SECONDS
        for upload in uploads:
            if upload.completed_at is None:
                if monotonic() > late:
                    held.add(upload.key)
                    continue
                try:
                    storage.abort(upload.key)
                except StorageError as error:
                    logger.warning("%s: its transfer is still open: %s", upload, error)
                    held.add(upload.key)
        absent = set()
        # Uploads and previews apart: what has much of its name in common is quickly asked for.
        for keys in zip_longest(*(upload.keys for upload in uploads)):
            absent |= _dropped([key for key in keys if key], storage)
        gone = [upload.pk for upload in uploads if absent - held >= set(upload.keys)]
        Upload.objects.removing().filter(pk__in=gone).update(
            state=State.GONE, removed_at=Now(), name="", title="", address="", transfer_id=""
        )
    return len(gone)
