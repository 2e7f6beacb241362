"""A stream that passes through us into storage: a form's file, or `curl -T`.

A part is sent by a thread of its own while the next one is received.
"""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import cache
from mmap import mmap
from time import monotonic

from django.conf import settings
from django.utils.translation import gettext as _

from ..storage.protocol import Part, StorageError, TransferNotFound, UploadStorage
from . import lifecycle
from .choices import Kind, State
from .errors import Gone, NotAllowed, Refused
from .guarded import OPEN, Protection
from .models import Upload
from .rules import check_lifetime, check_size, clean_title

KEEP_SECONDS = 60  # between two moves of the deadline, well below the first deadline's 15 minutes


class Receiver:
    """Cuts a stream into parts and stores them, with two parts in memory at most: one that fills, and one that is sent.

    A form does not say a file's size beforehand, so the upload's size may be an upper bound until `finish`. The error
    of a part that is sent comes out of a later call.
    """

    def __init__(self, upload: Upload, *, storage: UploadStorage):
        self.upload, self.storage = upload, storage
        self.received, self._filled = 0, 0
        # Each is memory of its own, which goes back to the system with it. Memory of the heap would not.
        self._buffers = [self._new_buffer()]
        self._sent: list[Part] = []
        self._sending: Future[Part] | None = None
        self._kept_at = monotonic()

    def write(self, chunk: bytes) -> None:
        """Receive the next bytes. Raises NotAllowed beyond the declared size, Gone, StorageError."""
        self.received += len(chunk)
        if self.received > self.upload.size:
            check_size(Kind(self.upload.kind), self.received)
            raise NotAllowed("longer_than_declared", _("More bytes came than were declared."), field="size")
        self.keep()
        left = memoryview(chunk)
        while left:
            taken = left[: len(self._buffers[0]) - self._filled]
            self._buffers[0][self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            left = left[len(taken) :]
            if self._filled == self.upload.part_size:
                self._send()

    def keep(self) -> None:
        """Keep the upload pending while bytes of it, or of another file of the same form, arrive."""
        if monotonic() - self._kept_at > KEEP_SECONDS:
            self._kept_at = monotonic()
            lifecycle.keep_receiving(self.upload)

    def close(self) -> None:
        """Send the rest of the buffer; the stream has ended. Raises Gone, StorageError."""
        self._settle()
        if self._filled:
            # Nothing is left to receive meanwhile, and most streams are a single part: no thread for that.
            last = memoryview(self._buffers[0])[: self._filled]
            self._filled = 0
            self._sent.append(self._write(last))
        self._buffers.clear()  # the other files of a form have theirs

    def finish(
        self,
        *,
        title: str = "",
        lifetime: timedelta | None = None,
        protection: Protection = OPEN,
        keep_metadata: bool = False,
        whole: bool = False,
    ) -> Upload:
        """Complete the upload with the bytes received; `whole` means that its declared size is exact.

        `lifetime` None and `protection` OPEN leave those that the upload began with. `keep_metadata` leaves an image as
        it is.

        Raises:
            PartsMissing, Refused, Gone: as `complete` does.
            Refused: also if the title or the lifetime is too long, or no bytes came, or fewer than declared.
        """
        self.close()
        try:
            title = clean_title(title)
            if lifetime is not None:
                check_lifetime(lifetime)
            check_size(Kind(self.upload.kind), self.received)
            if whole and self.received < self.upload.size:
                raise NotAllowed("shorter_than_declared", _("Fewer bytes came than were declared."), field="size")
        except NotAllowed as reason:
            lifecycle.refuse(self.upload, str(reason), storage=self.storage)
            raise Refused(str(reason)) from reason
        changes: dict[str, object] = {"size": self.received}
        if protection != OPEN:
            changes |= protection.columns
        if title:
            changes["title"] = title
        if lifetime is not None:
            changes["lifetime"] = lifetime
        if keep_metadata:
            changes["keep_metadata"] = True
        Upload.objects.pending().filter(pk=self.upload.pk).update(**changes)
        return lifecycle.complete(self.upload, sent=self._sent, storage=self.storage)

    def cancel(self) -> None:
        """Remove the upload, unless it is ready."""
        with suppress(Gone, StorageError):
            self._settle()  # so that no part arrives after the removal
        pending = Upload.objects.filter(pk=self.upload.pk, state=State.PENDING)
        lifecycle.remove_all(pending, storage=self.storage)

    def _send(self) -> None:
        """Let the buffer be sent, once the part before it is. That thread asks the database nothing."""
        self._settle()
        self._sending = _threads(os.getpid()).submit(self._write, memoryview(self._buffers[0]))
        if len(self._buffers) == 1:
            self._buffers.append(self._new_buffer())
        self._buffers.reverse()
        self._filled = 0

    def _new_buffer(self) -> mmap:
        return mmap(-1, min(self.upload.part_size, self.upload.size))

    def _settle(self) -> None:
        """Wait for the part that is being sent, if one is."""
        sending, self._sending = self._sending, None
        if sending is not None:
            self._sent.append(sending.result())

    def _write(self, content: memoryview) -> Part:
        try:
            return self.storage.write_part(self.upload.key, self.upload.transfer_id, len(self._sent) + 1, content)
        except TransferNotFound:
            raise Gone from None  # cleared in the meantime


@cache
def _threads(process: int) -> ThreadPoolExecutor:
    """Threads that send parts, one for each request of this process that may receive a stream, so that none waits.

    A fork has none of its parent's. They are made as they are needed, and kept, because some have a client of storage.
    """
    return ThreadPoolExecutor(max_workers=settings.WEB_THREADS, thread_name_prefix="sending")
