"""The begin of an upload: a pending row, an open transfer, and signed URLs for its parts."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ...storage.headers import OCTETS
from ...storage.protocol import Part, SignedPart, StorageError, TransferNotFound, UploadStorage
from ..choices import Kind, State
from ..codes import new_code
from ..errors import Gone, NotAllowed, Underway
from ..guarded import OPEN, Protection
from ..limits import limits
from ..models import Upload
from ..parts import part_size
from ..repeats import Ask
from ..rules import check_lifetime, check_size, clean_name, clean_title
from .deadline import first_deadline, prolong
from .joined import hold, join
from .remove import remove
from .room import check_room, count_site

# How long a signed part URL is valid. Storage checks it when a part begins to arrive; a new one is one request away.
PART_URL_LIFETIME = timedelta(minutes=15)
# Below this, a request for signatures asks storage what has arrived. A transfer that is on its pace has more left, so
# most requests ask nothing.
ASK_STORAGE = timedelta(minutes=10)
# A begin signs as many parts as clients send side by side, so that a small file needs three requests: begin, PUT and
# complete. A signature takes some microseconds.
FIRST_PARTS = 4
# Beside a million uploads, one code in a million is taken.
CODE_ATTEMPTS = 5


def begin(
    *,
    box: str,
    kind: Kind,
    name: str,
    size: int,
    address: str = "",
    sender: str = "",
    title: str = "",
    lifetime: timedelta | None = None,
    protection: Protection = OPEN,
    ask: Ask | None = None,
    keep_metadata: bool = False,
    bundle: str | None = None,
    storage: UploadStorage,
) -> Upload:
    """Begin an upload of `size` bytes: a pending row with an open transfer. `address` is the client's.

    `sender` is the id of the client's token, if that token may only send. `keep_metadata` leaves an image as it is; a
    file always stays so. In an open `bundle` of the same box, the upload has the lifetime and the protection of the
    bundle.

    With an `ask`, the upload is found again by `begun_before`, and another begin of the same ask is refused.

    The row is committed, with its key and deadline, before storage hears of it: no object without a row.

    Raises:
        NotAllowed: a rule forbids it, or the box, the address or the site has no room for it.
        Underway: another call with this ask came first.
        StorageError: storage could not open a transfer; the row is being removed.
    """
    if bundle is not None and protection != OPEN:
        message = _("A bundle protects its uploads. Give the password or the limit on downloads to the bundle.")
        raise NotAllowed("bundle_protects", message, field="bundle")
    lifetime = limits.lifetime if lifetime is None else lifetime
    check_size(kind, size)
    check_lifetime(lifetime)
    name, title = clean_name(name), clean_title(title)
    count_site(size)
    asked = {"ask_key": ask.key, "ask_body": ask.body} if ask else {"ask_key": None}
    chosen = {"kind": kind, "name": name, "title": title, "lifetime": lifetime, "keep_metadata": keep_metadata}
    chosen |= {"bundle": bundle} | protection.columns
    upload = _insert(box=box, address=address, sender=sender, size=size, **chosen, **asked)
    try:
        transfer_id = storage.open_transfer(upload.key, content_type=OCTETS)
    except StorageError:
        remove(upload, storage=storage)
        raise
    if not Upload.objects.pending().filter(pk=upload.pk).update(transfer_id=transfer_id):
        # Cleared in the meantime; that removal may have looked for transfers before there was one.
        storage.abort_transfers(upload.key)
        raise Gone
    upload.reload()
    return upload


def sign_parts(upload: Upload, numbers: Sequence[int], *, storage: UploadStorage) -> list[SignedPart]:
    """A signed URL for each of these parts, valid for PART_URL_LIFETIME and never beyond the transfer's deadline.

    If the deadline is near, it first moves by what has arrived in storage.

    Raises:
        NotAllowed: a number is not in the upload's plan, or comes twice.
        Gone: the upload is not pending, or its deadline has passed.
    """
    left = _time_left(upload)
    if upload.bundle:
        hold(upload.bundle)
    if left < ASK_STORAGE:
        with suppress(StorageError):  # then the deadline stays as it is
            arrived(upload, storage=storage)
        left = _time_left(upload)
    return _signed(upload, numbers, min(PART_URL_LIFETIME, left), storage)


def sign_first(upload: Upload, *, storage: UploadStorage) -> list[SignedPart]:
    """The signed URLs of the first FIRST_PARTS parts of an upload that has just been read. Asks storage nothing.

    Raises:
        Gone: the upload is not pending, or its deadline has passed.
    """
    lifetime = min(PART_URL_LIFETIME, _enough(upload))
    return _signed(upload, range(1, min(FIRST_PARTS, upload.plan.count) + 1), lifetime, storage)


def arrived(upload: Upload, *, storage: UploadStorage) -> list[Part]:
    """The parts of a pending upload that storage has, by number. Its deadline moves accordingly. Raises Gone."""
    if not Upload.objects.pending().filter(pk=upload.pk).exists():
        raise Gone
    try:
        parts = storage.parts(upload.key, upload.transfer_id)
    except TransferNotFound:
        raise Gone from None
    prolong(upload, arrived=sum(part.size for part in parts.values()))
    return [parts[number] for number in sorted(parts)]


def _insert(**values: Any) -> Upload:
    """Commit the row of a new upload, with a code that no other one has. Raises NotAllowed if there is no room."""
    for _attempt in range(CODE_ATTEMPTS - 1):
        with suppress(IntegrityError):  # another upload has this code
            return _insert_once(**values)
    return _insert_once(**values)


def _insert_once(
    *, box: str, address: str, size: int, bundle: str | None, ask_key: str | None, **values: Any
) -> Upload:
    with transaction.atomic(durable=True):
        check_room(box=box, address=address, size=size)
        # Two calls with the same key have the same box or the same address, so they are not here at the same time.
        if ask_key and Upload.objects.filter(ask_key=ask_key).exists():
            raise Underway
        if bundle is not None:
            values["lifetime"] = join(bundle, box=box).lifetime
        return Upload.objects.create(
            box=box,
            address=address,
            size=size,
            part_size=part_size(size),
            expires_at=Now() + first_deadline(),
            code=new_code(),
            ask_key=ask_key,
            bundle=bundle,
            **values,
        )


def _signed(upload: Upload, numbers: Sequence[int], lifetime: timedelta, storage: UploadStorage) -> list[SignedPart]:
    return [
        storage.sign_part(upload.key, upload.transfer_id, number, size, lifetime=lifetime)
        for number, size in upload.plan.sizes_of(numbers)
    ]


def _time_left(upload: Upload) -> timedelta:
    """How long the upload may stay pending, as the table says now. Raises Gone as `_enough` does."""
    upload.reload()
    return _enough(upload)


def _enough(upload: Upload) -> timedelta:
    """How long the upload may stay pending. Raises Gone if it is not pending, or for less than a second."""
    if upload.state != State.PENDING or upload.time_left < timedelta(seconds=1):
        raise Gone
    return upload.time_left
