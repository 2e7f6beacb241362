"""The form upload: fields, and the handler that streams its files into storage while they arrive."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, cast

from django import forms
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..bundles import lifecycle as bundles
from ..problems import problem_of
from ..storage.protocol import StorageError, UploadStorage
from ..uploads import lifecycle
from ..uploads.bundle import Bundle
from ..uploads.choices import Kind
from ..uploads.errors import Busy, Crowded, Gone, NotAllowed, Refused
from ..uploads.guarded import OPEN, Protection
from ..uploads.limits import FORM_FILES, TITLE_LENGTH, limits
from ..uploads.receiving import Receiver
from ..uploads.rules import check_downloads, check_lifetime, check_password, check_protectable
from ..uploads.visible import visible
from ..visitors import rates
from ..visitors.addresses import address_of
from ..visitors.rates import Rate, TooMany
from ..visitors.senders import check_sender


def body_length(request: HttpRequest) -> int | None:
    """The declared length of the body in bytes; None if it is missing or not a number."""
    declared = request.META.get("CONTENT_LENGTH") or ""
    return int(declared) if re.fullmatch("[0-9]{1,19}", declared) else None


def lifetime_given(text: str) -> timedelta | None:
    """The lifetime that a form or an address asks for in whole seconds; None if it asks for none. Raises NotAllowed."""
    if not text:
        return None
    # Nine digits are 31 years. Any other text gets the answer that a lifetime of no time gets.
    lifetime = timedelta(seconds=int(text) if re.fullmatch("[0-9]{1,9}", text) else 0)
    check_lifetime(lifetime)
    return lifetime


def downloads_given(text: str) -> int | None:
    """The limit on downloads that a form or a header asks for; None if it asks for none. Raises NotAllowed."""
    if not text:
        return None
    downloads = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    check_downloads(downloads)
    return downloads


# The value of the last radio button for the number of downloads. Then the number is in a field of its own.
OTHER = "other"


class UploadForm(forms.Form):
    """The fields beside the files, which have been received by then."""

    title = forms.CharField(
        required=False,
        max_length=TITLE_LENGTH,
        label=gettext_lazy("Title"),
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("optional"), "autocomplete": "off"}),
    )
    lifetime = forms.CharField(required=False)
    downloads = forms.CharField(required=False)
    password = forms.CharField(required=False, strip=False)
    metadata = forms.CharField(required=False)
    together = forms.BooleanField(required=False)

    def clean_lifetime(self) -> timedelta | None:
        try:
            return lifetime_given(self.cleaned_data["lifetime"])
        except NotAllowed as error:
            raise forms.ValidationError(str(error)) from error

    def clean_downloads(self) -> int | None:
        try:
            given = self.cleaned_data["downloads"]
            return downloads_given(self.data.get("downloads_other") or "0" if given == OTHER else given)
        except NotAllowed as error:
            raise forms.ValidationError(str(error)) from error

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        try:
            check_password(password)
            if password or self.cleaned_data.get("downloads"):
                check_protectable()
        except NotAllowed as error:
            raise forms.ValidationError(str(error)) from error
        return password


@dataclass(slots=True)
class Incoming:
    """One file of a form: whole in storage, but pending until the rest of the form has been read and checked."""

    name: str
    receiver: Receiver


class IntoStorage(FileUploadHandler):
    """Streams each file of a form into a pending upload, so that neither memory nor disk holds it.

    A file that cannot be accepted is read to its end and left out; `refusals` says why, file by file. All files beyond
    FORM_FILES are left out, and `first_beyond` names the first of them.
    """

    def __init__(self, request: HttpRequest, *, box: str, sender: str = "", kind: Kind, storage: UploadStorage):
        super().__init__(request)
        self.box, self.sender, self.kind, self.storage = box, sender, kind, storage
        self._address = address_of(request)
        self.incoming: list[Incoming] = []
        self.refusals: list[tuple[str, str]] = []
        self.first_beyond = ""
        # The bundle of the form's files, once they are finished together.
        self.bundle: Bundle | None = None
        self._files = 0
        # The page that shows the refusals gets these.
        self.status = 422
        self.headers: dict[str, str] = {}
        # No file of the form can be longer than its body. Until a file's end is seen, its upload declares that size.
        self._most = min(body_length(request) or 0, limits.size(kind))

    def attach(self) -> None:
        """Let Django parse the request's form through this handler. Call it before anything reads the body.

        Django's own parser removes characters from names that belong to them, so `WholeNames` takes its place. The
        CSRF check reads the body, so it must come after this.
        """
        request = cast(HttpRequest, self.request)
        request.upload_handlers = [self]
        request.parse_file_upload = partial(_parse, request)  # type: ignore[method-assign]  # Django has no setting

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        # Messages show this name, also that of a file which is refused.
        file_name = visible(file_name)
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != "file":
            raise SkipFile
        self._files += 1
        if self._files > FORM_FILES:
            self.first_beyond = self.first_beyond or file_name or "?"
            raise SkipFile
        # One request asks Redis once, whatever the number of its files.
        take = rates.take_here if self.incoming or self.refusals else rates.take
        try:
            take(Rate.UPLOADS, address=self._address, box=self.box)
            check_sender(cast(HttpRequest, self.request))
            upload = lifecycle.begin(
                box=self.box,
                sender=self.sender,
                address=self._address,
                kind=self.kind,
                name=file_name,
                size=self._most,
                storage=self.storage,
            )
        except (NotAllowed, TooMany, Gone, StorageError) as error:
            raise self._left_out(error) from error
        self.incoming.append(Incoming(file_name, Receiver(upload, storage=self.storage)))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        for file in self.incoming:
            file.receiver.keep()
        try:
            self.incoming[-1].receiver.write(raw_data)
        except (NotAllowed, Gone, StorageError) as error:
            self.incoming.pop().receiver.cancel()
            raise self._left_out(error) from error

    def file_complete(self, file_size: int) -> None:
        """Send the rest, so that many files never add up in memory. request.FILES stays empty; see `finish`."""
        try:
            self.incoming[-1].receiver.close()
        except (Gone, StorageError) as error:
            file = self.incoming.pop()
            file.receiver.cancel()
            self._refuse(file.name, error)

    def finish(
        self,
        title: str,
        lifetime: timedelta | None = None,
        downloads: int | None = None,
        password: str = "",
        metadata: str = "",
        together: bool = False,
    ) -> int:
        """Turn ready what has arrived whole, and return how many did. The others join the refusals.

        If they are to be `together`, two or more become a bundle, which has the title and the protection.

        Raises Hashing: too many passwords are being hashed, and nothing was turned ready.
        """
        keep_metadata = metadata == "keep"
        protection = Protection.chosen(password=password, downloads=downloads) if self.incoming else OPEN
        if not together or len(self.incoming) < 2:
            return self._finish(title=title, lifetime=lifetime, protection=protection, keep_metadata=keep_metadata)
        try:
            self.bundle = bundles.begin(
                box=self.box,
                address=self._address,
                title=title,
                lifetime=lifetime,
                protection=protection,
                uploads=[file.receiver.upload.pk for file in self.incoming],
            )
        except NotAllowed as error:
            for file in self.incoming:
                self._refuse(file.name, error)
            self.cancel()
            return 0
        arrived = self._finish(keep_metadata=keep_metadata)
        if not arrived:
            bundles.remove(self.bundle, storage=self.storage)
            return 0
        with suppress(Gone):  # cleared in the meantime
            bundles.complete(self.bundle, storage=self.storage)
        return arrived

    @property
    def left_out(self) -> str:
        """Words about the files beyond FORM_FILES, and a way out; empty if there are none."""
        if not self.first_beyond:
            return ""
        message = _("One form can send %(limit)d files. Those from %(name)s on did not arrive. Send them once more.")
        return message % {"limit": FORM_FILES, "name": self.first_beyond}

    def cancel(self) -> None:
        """Remove all that was not finished: the form was cut off, forged, or wrong."""
        while self.incoming:
            self.incoming.pop().receiver.cancel()

    def _finish(self, **choices: Any) -> int:
        arrived = 0
        while self.incoming:
            file = self.incoming.pop(0)
            try:
                file.receiver.finish(**choices)
                arrived += 1
            except (Refused, Gone, Busy, Crowded, StorageError) as error:
                file.receiver.cancel()  # no page knows of it, so no visitor could complete it later
                self._refuse(file.name, error)
        return arrived

    def _left_out(self, error: Exception) -> SkipFile:
        """Refuse the present file, and return what tells Django to skip the rest of it."""
        self._refuse(str(self.file_name), error)
        return SkipFile()

    def _refuse(self, name: str, error: Exception) -> None:
        """Note why a file is refused. If the sender or a lack of room is why, the status says so."""
        problem = problem_of(error)
        self.refusals.append((name, problem.message))
        if problem.status in (403, 429, 503):
            self.status = problem.status
            self.headers.update(problem.headers or {})


class NoFiles(FileUploadHandler):
    """Drops the files of every other form, because none has a field for them, and Django would fill the disk."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Is not called: `new_file` has dropped the file."""

    def file_complete(self, file_size: int) -> None:
        """Leave `request.FILES` empty."""


class WholeNames(MultiPartParser):
    """Leaves a file's name as the browser sends it."""

    def sanitize_file_name(self, file_name: str) -> str | None:
        # Some browsers send a whole path.
        return re.split(r"[/\\]", file_name)[-1] or None


def _parse(request: HttpRequest, META: dict[str, Any], body: Any) -> tuple[QueryDict, MultiValueDict[str, Any]]:
    return WholeNames(META, body, request.upload_handlers, request.encoding).parse()
