"""The cleaning of an image: its bytes in storage lose what the picture does not need, before they are offered."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing

from django.db import transaction
from django.db.models.functions import Now

from ...cleaning import Edit, NotAtHand, Source, applied, plan, size_after
from ...storage.headers import OCTETS
from ...storage.protocol import StorageError, TransferNotFound, UploadStorage
from ..choices import End
from ..models import Upload
from ..queries import UploadQuerySet
from .offered import tell_if_offered
from .remove import remove

logger = logging.getLogger(__name__)


def clean(upload: Upload, *, storage: UploadStorage) -> bool:
    """Store a claimed image without its metadata, and offer it. False if it was removed or claimed anew meanwhile,
    or if storage has lost it.

    The cleaned bytes arrive by a transfer under the image's own key, a part in memory at a time, and replace it at one
    moment. A removal closes the transfer before it removes the object, so that nothing comes back after it.

    It may be cut off anywhere and run again, and twice at once. The second attempt closes the transfer of the first
    before it reads. So either the first can no longer complete, or the second reads what is clean, and changes nothing.

    Raises:
        Unreadable: the image is not built as its format says.
        StorageError: storage does not answer, or gave fewer bytes than it has.
    """
    storage.abort_transfers(upload.key)
    size = storage.length(upload.key)
    if size is None:
        logger.error("%s is ready, and storage does not have it", upload)
        remove(upload, end=End.LOST, storage=storage)
        return False
    edits = _edits(upload, size, storage)
    try:
        if edits and not _replace(upload, size, edits, storage):
            return False
    except TransferNotFound:
        return False
    with transaction.atomic():
        cleaned = _claimed(upload).update(cleaning_due_at=None, size=size_after(size, edits))
        if cleaned:
            tell_if_offered(upload)
    return bool(cleaned)


def _edits(upload: Upload, size: int, storage: UploadStorage) -> list[Edit]:
    with closing(storage.read(upload.key)) as pieces:
        try:
            return plan(upload.content_type, Source(pieces, size))
        except NotAtHand:
            raise StorageError("storage gave fewer bytes than it has") from None


def _replace(upload: Upload, size: int, edits: Sequence[Edit], storage: UploadStorage) -> bool:
    transfer_id = storage.open_transfer(upload.key, content_type=OCTETS)
    # A removal may have looked for transfers before there was one, and so may another attempt. Later ones find it.
    if not _claimed(upload).update(cleaned_at=Now()):
        storage.abort_transfers(upload.key)
        return False
    with closing(storage.read(upload.key)) as pieces:
        contents = _in_parts(applied(pieces, edits), upload.part_size)
        parts = [
            storage.write_part(upload.key, transfer_id, number, content) for number, content in enumerate(contents, 1)
        ]
    if sum(part.size for part in parts) != size_after(size, edits):
        raise StorageError("storage gave fewer bytes than it has")
    storage.complete_transfer(upload.key, transfer_id, parts)
    return True


def _in_parts(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in parts of this size, the last one shorter."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= size:
            yield bytes(memoryview(buffer)[:size])  # one copy in place of two
            del buffer[:size]
    if buffer:
        yield bytes(buffer)


def _claimed(upload: Upload) -> UploadQuerySet:
    as_read = Upload.objects.live().filter(pk=upload.pk, cleaning_attempts=upload.cleaning_attempts)
    return as_read.filter(cleaning_due_at__isnull=False)
