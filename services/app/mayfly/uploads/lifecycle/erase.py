"""The second half of a removal: the bytes go out of storage, storage proves it, and the rows become receipts."""

import logging
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce, Now

from ...storage.protocol import NOT_ASKED, StorageError, UploadStorage
from .. import events
from ..choices import State
from ..limits import FAILURE_LENGTH
from ..models import Upload

logger = logging.getLogger(__name__)

# How many uploads are erased together: few, so that several processes share a backlog of some hundreds, but so many
# that their DeleteObjects adds little to the questions whether they are gone.
SHARE = 250
# How long a share may wait for its transfers to be closed, and then for its proof. A share takes a second if storage is
# 20 ms away, so what has no answer by then has failed.
CLOSE_SECONDS = 3
PROOF_SECONDS = 4
# The columns that a removal and its observers need. A row has forty more, which take most of the time of a query.
_READ = ("box", "kind", "proven_type", "size", "completed_at", "cleaning_due_at")
# No page may show these parts of a failure: addresses, names of resources, paths, and the rest of a key.
_PRIVATE = (
    (re.compile(r"""(https?:|arn:|'/)[^\s"']*"""), "…"),
    (re.compile(r"\b(uploads|previews)(/|%2F)[\w.-]*"), r"\1/…"),
    (re.compile(r"[\w.-]{40,}"), "…"),
)


@dataclass(slots=True)
class Erased:
    """The result of a share: how many uploads are gone, and by how much the latest of them missed its time."""

    count: int = 0
    latest: timedelta = timedelta(0)


def erase(ids: Sequence[str], storage: UploadStorage) -> Erased:
    """Remove the bytes of these `removing` rows, and commit `gone` for each row of which storage has nothing.

    A row that never became ready needs no receipt, and is deleted instead. A refused one is kept for a while, so that
    its owner can ask why. The rows that are not proven stay `removing`, with the reason.

    The rows are locked during this, so that several processes share the work; the locks end with their process. The
    transfer is aborted before the object is removed. A `complete` in progress is then either earlier, and its object
    is removed here, or later, and finds no transfer. The other order could leave an object behind.

    Raises:
        StorageError: storage removed nothing at all. The rows have the reason.
    """
    if not ids:
        return Erased()
    refused = None
    with transaction.atomic():
        removing = Upload.objects.removing().filter(pk__in=ids).only(*_READ)
        uploads = list(removing.select_for_update(skip_locked=True))
        if not uploads:
            return Erased()
        # Shuffle, so that one slow upload does not delay the same neighbours on every sweep.
        random.shuffle(uploads)
        try:
            failures = _failures(uploads, storage)
        except StorageError as error:
            refused, failures = error, {upload.pk: str(error) for upload in uploads}
        erased = _commit([upload for upload in uploads if upload.pk not in failures])
        _note(failures)
    if refused:
        raise refused
    return erased


def _failures(uploads: Sequence[Upload], storage: UploadStorage) -> dict[str, str]:
    """Remove the bytes of these uploads. Returns, by id, why an upload is not proven to be out of storage."""
    transfers = [upload.key for upload in uploads if upload.may_have_transfer]
    faults = storage.close_transfers(transfers, seconds=CLOSE_SECONDS) if transfers else {}
    keys = [key for upload in uploads for key in upload.keys]
    errors = storage.remove(keys)
    # A receipt states the answer of storage to a second question, not that storage accepted the order.
    asked = [key for key in keys if key not in errors]
    unproven = storage.unproven(asked, seconds=PROOF_SECONDS) if asked else {}
    faults = unproven | errors | faults
    return {upload.pk: faults[key] for upload in uploads for key in upload.keys if key in faults}


def _commit(uploads: Sequence[Upload]) -> Erased:
    """Turn these rows into receipts, or delete those that need none."""
    erased = Upload.objects.removing().filter(pk__in=[upload.pk for upload in uploads])
    late = erased.filter(expires_at__lt=Now()).aggregate(most=Max(Now() - F("expires_at")))["most"]
    deleted, _ = erased.filter(completed_at__isnull=True, refusal="").delete()
    nothing: dict[str, str | None] = {"failure": "", "name": "", "title": "", "address": "", "transfer_id": ""}
    # An index has the images that wait to be cleaned; old receipts would fill it.
    nothing |= {"code": None, "password": "", "sha256": "", "cleaning_due_at": None}
    kept = erased.update(state=State.GONE, removed_at=Now(), **nothing)
    once_ready = [upload for upload in uploads if upload.completed_at is not None]
    if once_ready:
        events.turned_gone.send_robust(sender=Upload, uploads=once_ready)
    return Erased(deleted + kept, late or timedelta(0))


def _note(failures: dict[str, str]) -> None:
    """Write the reasons into the rows, for the readiness page and the admin, and into the log."""
    ids_of = defaultdict(list)
    for pk, why in failures.items():
        if why != NOT_ASKED:
            ids_of[_in_public(why)].append(pk)
    for why, ids in ids_of.items():
        logger.warning("%d uploads are not removed, %s… for one: %s", len(ids), ids[0][:8], why)
        rows = Upload.objects.removing().filter(pk__in=ids)
        # Not again while it stays the same: a sweep every five seconds would rewrite the rows each time.
        rows.exclude(failure=why).update(failure=why, removing_since=Coalesce("removing_since", Now()))


def _in_public(why: str) -> str:
    for private, instead in _PRIVATE:
        why = private.sub(instead, why)
    return why[:FAILURE_LENGTH]
