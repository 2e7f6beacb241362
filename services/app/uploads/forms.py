"""The form upload: fields, and the handler that streams its files into storage while they arrive."""

import logging
import re
from dataclasses import dataclass
from typing import BinaryIO

from django import forms
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import boxes, lifecycle, policy
from .lifecycle import Gone, Receiver, Refused
from .policy import Kind, NotAllowed
from .storage.protocol import StorageError, UploadStorage

logger = logging.getLogger(__name__)


class UploadForm(forms.Form):
    """What goes with the files; the files themselves have been received by then."""

    title = forms.CharField(
        required=False,
        max_length=policy.TITLE_LENGTH,
        label=gettext_lazy("Title"),
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("optional"), "autocomplete": "off"}),
    )


@dataclass(slots=True)
class Incoming:
    """One file of a form: all in storage, but pending until the rest of the form has been read and checked."""

    name: str
    receiver: Receiver


class IntoStorage(FileUploadHandler):
    """Streams each file of a form into a pending upload, so that neither memory nor disk holds it.

    A file that cannot be taken is read to its end and left out; `refusals` says why, file by file.
    """

    def __init__(self, request: HttpRequest, *, box: str, kind: Kind, storage: UploadStorage):
        super().__init__(request)
        self.box, self.kind, self.storage = box, kind, storage
        self._address = boxes.address_of(request)
        self.incoming: list[Incoming] = []
        self.refusals: list[tuple[str, str]] = []
        self.status = 422  # of the page that tells the refusals
        # No file of the form can be longer than its body; an upload is declared with that until its end is seen.
        self._most = min(int(request.META.get("CONTENT_LENGTH") or 0), policy.limits.size(kind))

    def new_file(self, field_name, file_name, *args, **kwargs) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != "file":
            raise SkipFile
        try:
            upload = lifecycle.begin(
                box=self.box,
                address=self._address,
                kind=self.kind,
                name=file_name,
                size=self._most,
                storage=self.storage,
            )
        except (NotAllowed, Gone, StorageError) as error:
            self._leave_out(error)
        self.incoming.append(Incoming(file_name, Receiver(upload, storage=self.storage)))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            self.incoming[-1].receiver.write(raw_data)
        except (NotAllowed, Gone, StorageError) as error:
            self.incoming.pop().receiver.cancel()
            self._leave_out(error)

    def file_complete(self, file_size: int) -> None:
        """Send the rest, so that many files never add up in memory. Nothing for request.FILES: there is `finish`."""
        try:
            self.incoming[-1].receiver.close()
        except (Gone, StorageError) as error:
            file = self.incoming.pop()
            file.receiver.cancel()
            self.refusals.append((file.name, in_words(error)))

    def finish(self, title: str) -> int:
        """Make ready what has arrived whole; returns how many did. The others join the refusals."""
        arrived = 0
        while self.incoming:
            file = self.incoming.pop(0)
            try:
                file.receiver.finish(title=title)
                arrived += 1
            except (Refused, Gone, StorageError) as error:
                file.receiver.cancel()  # nobody can complete it later: the page does not know of it
                self.refusals.append((file.name, in_words(error)))
        return arrived

    def cancel(self) -> None:
        """Give up all that was not finished: the form was cut off, forged, or wrong."""
        while self.incoming:
            self.incoming.pop().receiver.cancel()

    def _leave_out(self, error: Exception) -> None:
        self.refusals.append((self.file_name, in_words(error)))
        if isinstance(error, NotAllowed) and error.status == 429:
            self.status = 429
        raise SkipFile from error


class WholeNames(MultiPartParser):
    """Leaves a file's name as the browser sends it. Django's own takes characters out that belong to names."""

    def sanitize_file_name(self, file_name: str) -> str | None:
        # Some browsers send a whole path.
        return re.split(r"[/\\]", file_name)[-1] or None


def parse(request: HttpRequest, META: dict, body: BinaryIO) -> tuple[QueryDict, MultiValueDict]:
    """What takes the place of `request.parse_file_upload`."""
    return WholeNames(META, body, request.upload_handlers, request.encoding).parse()


def in_words(error: Exception) -> str:
    """What to tell people of an upload that did not become ready."""
    if isinstance(error, StorageError):
        logger.warning("storage does not answer: %s", error)
        return _("Storage does not answer. Try again in a minute.")
    if isinstance(error, Gone):
        return _("It was removed before it was complete.")
    return str(error)
