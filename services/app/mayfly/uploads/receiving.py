"""A stream that passes through us into storage: a form's file, or `curl -T`."""

from datetime import timedelta
from time import monotonic

from django.utils.translation import gettext as _

from ..storage.protocol import TransferNotFound, UploadStorage
from . import lifecycle
from .choices import Kind, State
from .errors import Gone, NotAllowed, Refused
from .guarded import OPEN, Protection
from .models import Upload
from .rules import check_lifetime, check_size, clean_title

KEEP_SECONDS = 60  # between two moves of the deadline, well below the first deadline's 15 minutes


class Receiver:
    """Cuts a stream into parts and stores them, with one part in memory at a time.

    A form does not say a file's size beforehand, so the upload's size may be an upper bound until `finish`.
    """

    def __init__(self, upload: Upload, *, storage: UploadStorage):
        self.upload, self.storage = upload, storage
        self.received, self._part, self._buffer = 0, 0, bytearray()
        self._kept_at = monotonic()

    def write(self, chunk: bytes) -> None:
        """Receive the next bytes. Raises NotAllowed beyond the declared size, Gone, StorageError."""
        self.received += len(chunk)
        if self.received > self.upload.size:
            check_size(Kind(self.upload.kind), self.received)
            raise NotAllowed("longer_than_declared", _("More bytes came than were declared."), field="size")
        self.keep()
        self._buffer += chunk
        while len(self._buffer) >= self.upload.part_size:
            self._send(self.upload.part_size)

    def keep(self) -> None:
        """Keep the upload pending while bytes of it, or of another file of the same form, arrive."""
        if monotonic() - self._kept_at > KEEP_SECONDS:
            self._kept_at = monotonic()
            lifecycle.keep_receiving(self.upload)

    def close(self) -> None:
        """Send the rest of the buffer; the stream has ended."""
        if self._buffer:
            self._send(len(self._buffer))

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
        return lifecycle.complete(self.upload, storage=self.storage)

    def cancel(self) -> None:
        """Remove the upload, unless it is ready."""
        pending = Upload.objects.filter(pk=self.upload.pk, state=State.PENDING)
        lifecycle.remove_all(pending, storage=self.storage)

    def _send(self, size: int) -> None:
        self._part += 1
        content = bytes(self._buffer[:size])
        try:
            self.storage.write_part(self.upload.key, self.upload.transfer_id, self._part, content)
        except TransferNotFound:
            raise Gone from None  # cleared in the meantime
        del self._buffer[:size]
