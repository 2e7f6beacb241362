"""The one gate to bytes: may this visitor have this upload now? Every route asks here, and nothing else signs."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

from ..storage.headers import PREVIEW_TYPE, attachment
from ..storage.protocol import StorageError, UploadStorage
from . import lifecycle
from .choices import End, State
from .codes import codes_in
from .errors import Gone, Locked, Preparing, Unconfirmed, Unknown, Unscanned
from .guarded import Guarded
from .limits import DOWNLOAD_URL_LIFETIME
from .models import Upload

logger = logging.getLogger(__name__)

# The first lines of a text: how long its page waits for them, and the most that they have in bytes.
LINES_SECONDS = 1
MOST_LINES = 10_000
# The read for which a page did not wait any longer, if there was one.
_late: list[Future[bytes]] = []


@dataclass(frozen=True, slots=True)
class Described:
    """The bytes that a GET would give: their size, and the headers with which storage gives them."""

    size: int
    content_type: str
    disposition: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A download that was confirmed: the URL of its bytes, and the row that has counted it, if one has.

    `again` means that the same visitor went on with one that was counted a moment ago.
    """

    url: str
    counted: Guarded | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """The one who asks: their box, if they have one, and what they hold.

    `passes` has, by the id of a guarded row, the `pass_value` of those whose password they have typed; `taken` has the
    ids of those of which they took a download within the last minute.
    """

    box: str | None = None
    passes: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()

    def with_pass(self, guard: Guarded) -> "Visitor":
        """The same visitor once they have typed the password."""
        return replace(self, passes={**self.passes, guard.pk: guard.pass_value})

    def owns(self, upload: Upload) -> bool:
        """Whether it is their own, which no password and no limit keeps from them."""
        return self.box is not None and upload.box == self.box


class Operator(Visitor):
    """An operator who looks at a picture in the admin, where a report has to be judged."""

    def owns(self, upload: Upload) -> bool:
        """Whether nothing is kept from them: they have storage itself."""
        return True


def guard_of(upload: Upload) -> Guarded:
    """The row whose password and limit protect the upload."""
    return upload.guard


def open_upload(upload_id: str, visitor: Visitor) -> Upload:
    """The live upload with this id and its `time_left`, for any visitor with the link and, if it has one, the password.

    Raises:
        Locked: it has a password, and the visitor has no pass.
        Gone: it has expired, was removed, or others have taken all its downloads; `receipt` has the row.
        Unknown: there never was such an upload for visitors.
    """
    upload = _live(upload_id)
    if visitor.owns(upload):
        return upload
    guard = guard_of(upload)
    if guard.is_taken and guard.pk not in visitor.taken:
        raise Gone
    if not guard.accepts(visitor.passes.get(guard.pk)):
        raise Locked(guard, upload.expires_at, upload.time_left)
    return upload


def find_by_code(typed: str) -> Upload:
    """The live upload that these words stand for, for any visitor who types them.

    Raises:
        NotAllowed: no code can be read from them, and why.
        Unknown: no live upload has that code.
    """
    upload = Upload.objects.live().filter(code__in=codes_in(typed)).first()
    if upload is None:
        raise Unknown
    return upload


def receipt(upload_id: str) -> Upload:
    """The row of an upload that was ready once. Raises Unknown; a row that never was ready never was there."""
    upload = Upload.objects.filter(pk=upload_id, completed_at__isnull=False).first()
    if upload is None:
        raise Unknown
    return upload


def is_removed(upload: Upload) -> bool:
    """Whether storage has nothing of the upload, as its receipt says."""
    return upload.state == State.GONE


def is_early(upload: Upload) -> bool:
    """Whether a removed upload went before it expired. A row from before reasons were kept has none."""
    if upload.ended:
        return upload.ended != End.EXPIRED
    return upload.removed_at is not None and upload.removed_at < upload.expires_at


def shows_contents(upload: Upload, visitor: Visitor) -> bool:
    """Whether pages may show this visitor its picture or first lines. With a limit, to look would be to take."""
    return visitor.owns(upload) or guard_of(upload).downloads_most is None


def first_lines(upload: Upload, visitor: Visitor, *, storage: UploadStorage) -> str:
    """The first lines of a text that the visitor has opened, or nothing.

    Storage has LINES_SECONDS for them, because the page of an upload does not depend on it otherwise. While a read that
    took longer is still under way, no other page waits.
    """
    if not upload.has_lines or not shows_contents(upload, visitor) or not all(late.done() for late in _late):
        return ""
    reading = _reader().submit(storage.first_bytes, upload.preview_key, MOST_LINES)
    try:
        return reading.result(timeout=LINES_SECONDS).decode(errors="replace")
    except (StorageError, TimeoutError) as error:
        if not reading.cancel():
            _late[:] = [reading]
        logger.warning("%s is shown without its first lines: %r", upload, error)
        return ""


@cache
def _reader() -> ThreadPoolExecutor:
    # One thread a process: while storage is slow, the pages of all texts together keep no more than that waiting.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="lines")


def download_url(upload_id: str, visitor: Visitor, *, storage: UploadStorage) -> str:
    """A signed URL of the bytes, valid for DOWNLOAD_URL_LIFETIME and never past `expires_at`.

    Raises:
        Locked: it has a password, and the visitor has no pass.
        Unconfirmed: a download of it begins with `take_download`.
        Gone: the upload has expired, or was removed; or storage has lost its object, and the row is removed too.
        Preparing: it is an image that has not been cleaned yet; Unscanned: it waits for its virus check.
        Unknown: there never was such an upload for visitors.
        StorageError: storage does not answer.
    """
    upload = _open_to_sign(upload_id, visitor)
    if guard_of(upload).asks_first and not visitor.owns(upload):
        raise Unconfirmed
    return _signed(upload, storage)


def take_download(upload_id: str, visitor: Visitor, *, storage: UploadStorage) -> Taken:
    """As `download_url`, by a visitor who has confirmed it: one of its downloads is taken, if their number is limited.

    The owner takes none, and a visitor who took one within the last minute goes on with that one. Nothing is taken if
    storage does not answer. Raises what `download_url` raises, except Unconfirmed.
    """
    upload = _open_to_sign(upload_id, visitor)
    url = _signed(upload, storage)
    guard = guard_of(upload)
    if guard.downloads_most is None or visitor.owns(upload):
        return Taken(url)
    if guard.pk in visitor.taken:
        return Taken(url, again=True)
    lifecycle.take(guard)
    return Taken(url, counted=guard)


def describe_download(upload_id: str, visitor: Visitor, *, storage: UploadStorage) -> Described:
    """The bytes that a download would give, without a URL of them; it takes none.

    Raises what `download_url` raises, except Unconfirmed.
    """
    upload = _open_to_sign(upload_id, visitor)
    return Described(_stored_size(upload, storage), upload.content_type, attachment(upload.name))


def preview_url(upload_id: str, visitor: Visitor, *, storage: UploadStorage) -> str | None:
    """A signed URL of the preview, valid as long as a download's; None if this visitor is shown none.

    Storage is not asked whether it has the preview: a page shows many, and a missing one is merely a broken image.
    Raises Locked, Gone, Unknown.
    """
    upload = _open_to_sign(upload_id, visitor)
    if not upload.has_preview or not shows_contents(upload, visitor):
        return None
    return storage.sign_preview(upload.preview_key, lifetime=min(DOWNLOAD_URL_LIFETIME, upload.time_left))


def describe_preview(upload_id: str, visitor: Visitor, *, storage: UploadStorage) -> Described | None:
    """The bytes that the URL of its preview would give; None if there is none. Raises as it does, and StorageError."""
    upload = _open_to_sign(upload_id, visitor)
    shown = upload.has_preview and shows_contents(upload, visitor)
    size = storage.length(upload.preview_key) if shown else None
    return None if size is None else Described(size, PREVIEW_TYPE, "inline")


def _live(upload_id: str) -> Upload:
    upload = Upload.objects.by_id(upload_id)
    if upload is None or not upload.is_live:
        receipt(upload_id)
        raise Gone
    return upload


def _signed(upload: Upload, storage: UploadStorage) -> str:
    # Signed before storage is asked: the time left counts from now, and a slow answer would carry the URL past the end.
    url = storage.sign_download(
        upload.key,
        name=upload.name,
        content_type=upload.content_type,
        lifetime=min(DOWNLOAD_URL_LIFETIME, upload.time_left),
    )
    _stored_size(upload, storage)
    return url


def check_prepared(upload: Upload) -> None:
    """Raise Preparing if its bytes are not offered yet. Whatever gives bytes out asks here."""
    if upload.cleaning_due_at is not None:
        raise Preparing
    if upload.waits_for_scan:
        raise Unscanned


def _stored_size(upload: Upload, storage: UploadStorage) -> int:
    """The size of the object in storage. If storage has lost it, remove the row and raise Gone. Raises Preparing."""
    check_prepared(upload)
    size = storage.length(upload.key)
    if size is None:
        # A row that offers nothing is removed by the first request for its bytes that finds out.
        logger.error("%s is ready, and storage does not have it", upload)
        lifecycle.remove(upload, end=End.LOST, storage=storage)
        raise Gone
    return size


def _open_to_sign(upload_id: str, visitor: Visitor) -> Upload:
    """As `open_upload`, if it has enough time left: a signature counts whole seconds."""
    upload = open_upload(upload_id, visitor)
    if upload.time_left < timedelta(seconds=1):
        raise Gone
    return upload
