"""The completion of an upload: its parts become an object, and the row turns ready or is refused."""

from collections.abc import Sequence
from contextlib import suppress

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ...cleaning import NotAtHand, Source, Unreadable, plan
from ...storage.protocol import Part, PartsRefused, TransferNotFound, UploadStorage
from .. import events, places
from ..choices import End, Kind, State
from ..content import FIRST_BYTES, content_type_of, proven_type
from ..errors import Gone, NotAllowed, PartsMissing, Refused
from ..limits import limits
from ..locks import request_lock, transaction_lock
from ..models import Upload
from ..queries import UploadQuerySet
from .joined import hold
from .offered import tell_if_offered
from .remove import keep_newest, remove, remove_all

# How much of an image is read to learn whether it needs cleaning: a whole small one, and the head of most others.
LOOKED_AT = 65_536


def complete(upload: Upload, *, sent: Sequence[Part] = (), storage: UploadStorage) -> Upload:
    """Turn a pending upload ready, once every part has arrived as declared.

    `sent` has the parts as their sender knows them. With all of them, storage joins these very parts without a list of
    what it has. If it refuses, it lists them.

    Safe to repeat, and to call several times at once: a caller that gets its turn finds it as the first one left it.
    It ends within the 30 s that the router waits, unless storage itself says all the time that it is still at work.

    Raises:
        PartsMissing: with the numbers that storage does not have.
        Refused: the parts or the first bytes are not what was declared; the upload is being removed.
        Gone: the upload has expired, or was removed.
        Busy: another call is at work on this upload for longer than a request may wait.
        Crowded: too many uploads are being completed in this process.
        StillAtWork: storage takes longer than a request may wait. It may go on, and a later call finds the result.
    """
    # Storage may show an object half made while it is completed a second time, and its first bytes would be wrong.
    with places.for_completes.entered(), request_lock(upload.pk):
        upload.reload()
        if upload.state == State.PENDING:
            _complete(upload, sent, storage)
    upload.reload()
    if upload.refusal:
        raise Refused(upload.why_refused)
    if not upload.is_live:
        raise Gone
    return upload


def refuse(upload: Upload, reason: str, *, storage: UploadStorage) -> None:
    """Remove an upload that is not what was declared, and keep the reason for its owner.

    Does nothing if the state has changed since `upload` was read, or if it has a preview: another process decided
    otherwise.
    """
    if Upload.objects.filter(pk=upload.pk, state=upload.state, has_preview=False).update(refusal=reason):
        remove(upload, end=End.REFUSED, storage=storage)


def forbid(uploads: UploadQuerySet, reason: str, *, end: End, storage: UploadStorage) -> int:
    """Remove those of these uploads that are live, because their content may not be here. Returns how many.

    The reason is kept for their owners.
    """
    ids = list(uploads.live().values_list("pk", flat=True))
    forbidden = Upload.objects.filter(pk__in=ids)
    forbidden.live().update(refusal=reason)
    return remove_all(forbidden, end=end, storage=storage)


def _complete(upload: Upload, sent: Sequence[Part], storage: UploadStorage) -> None:
    try:
        first = _assemble(upload, sent, storage)
        content_type = content_type_of(Kind(upload.kind), first[:FIRST_BYTES])
    except NotAllowed as reason:
        refuse(upload, str(reason), storage=storage)
        return
    is_image = upload.kind == Kind.IMAGE
    waits = is_image and not upload.keep_metadata and _may_need_cleaning(content_type, first, upload.size)
    upload.proven_type = proven_type(first[:FIRST_BYTES])
    with transaction.atomic(durable=True):
        transaction_lock(upload.box)
        won = (
            Upload.objects.pending()
            .filter(pk=upload.pk)
            .update(
                state=State.READY,
                content_type=content_type,
                completed_at=Now(),
                expires_at=Now() + F("lifetime"),  # its owner may change it at any moment
                proven_type=upload.proven_type,
                preview_due_at=Now() if upload.wants_preview else None,
                cleaning_due_at=Now() if waits else None,
                scan_due_at=Now() if limits.scans else None,
                digest_due_at=Now() if upload.wants_digest else None,
            )
        )
        if not won:
            return
        if upload.bundle:
            hold(upload.bundle)
        if is_image:
            # In the same transaction, so that no page ever shows one image too many.
            keep_newest(upload.box, storage=storage)
        tell_if_offered(upload)
        transaction.on_commit(lambda: _announce(upload), robust=True)


def _announce(upload: Upload) -> None:
    events.ready.send_robust(sender=Upload, upload=upload)


def _assemble(upload: Upload, sent: Sequence[Part], storage: UploadStorage) -> bytes:
    """Complete the transfer in storage, unless that has happened, and return the object's first bytes."""
    # Not found: an earlier call was cut off after this step, or one runs in parallel, or the transfer was aborted.
    with suppress(TransferNotFound):
        if upload.transfer_id and not _joined_as_sent(upload, sent, storage):
            parts = storage.parts(upload.key, upload.transfer_id)
            _check_parts(upload, parts)
            storage.complete_transfer(upload.key, upload.transfer_id, [parts[number] for number in sorted(parts)])
    is_looked_into = upload.kind == Kind.IMAGE and not upload.keep_metadata
    beginning = storage.beginning(upload.key, LOOKED_AT if is_looked_into else FIRST_BYTES)
    if beginning is None:
        raise NotAllowed("transfer_ended", _("The transfer has ended. Begin again."))
    # After a success as well: a server may not compare the tags of what was sent, and LocalStack lists a part as whole
    # while a second, broken PUT has cut its bytes off.
    if beginning.size != upload.size:
        raise NotAllowed("length_differs", _("Storage did not keep all bytes of it. Send it again."))
    return beginning.content


def _joined_as_sent(upload: Upload, sent: Sequence[Part], storage: UploadStorage) -> bool:
    """Join the parts that the sender knows. False if these are not the whole upload, or storage has others."""
    every = range(1, upload.plan.count + 1)
    if [(part.number, part.size) for part in sent] != upload.plan.sizes_of(every):
        return False
    try:
        storage.complete_transfer(upload.key, upload.transfer_id, sent)
    except PartsRefused:
        return False
    return True


def _may_need_cleaning(content_type: str, first: bytes, size: int) -> bool:
    """Whether there may be something in an image of these first bytes that its picture does not need."""
    try:
        return bool(plan(content_type, Source([first], size)))
    except (NotAtHand, Unreadable):
        return True  # the worker reads on, and says what is wrong


def _check_parts(upload: Upload, parts: dict[int, Part]) -> None:
    plan = upload.plan
    missing = [number for number in range(1, plan.count + 1) if number not in parts]
    if missing:
        raise PartsMissing(missing)
    if len(parts) != plan.count or any(part.size != plan.size_of(number) for number, part in parts.items()):
        raise NotAllowed("parts_differ", _("The parts that arrived are not those that were declared."))
