"""Why the domain says no. Errors carry no HTTP: `mayfly.problems` gives each its status.

UploadError
├── Busy            another call is at work on this upload
├── Underway        the first call with this key is still at work
├── KeyReused       a key came again with another body
├── Preparing       an image is not offered before it has been cleaned
│   └── Unscanned   nothing is offered before the virus check
├── Crowded         too many uploads are being completed at this moment
├── Hashing         too many passwords are being hashed at this moment
├── Locked          a password is needed
│   └── WrongPassword
├── NotAllowed      a client asked for something against a rule
├── PartsMissing    storage does not have all parts yet
├── Unconfirmed     a download that takes a password or counts was asked for by GET
├── Refused         the upload is not what was declared
└── Gone            the upload has expired or was removed
    └── Unknown     there never was such an upload
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .guarded import Guarded


class UploadError(Exception):
    """The base of all errors of the domain."""


class NotAllowed(UploadError):
    """A client asked for something against a rule.

    `str()` is for people, in their language; `code` and `field`, the name of the field at fault, are for programs.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None):
        super().__init__(message)
        self.code, self.field = code, field


class Busy(UploadError):
    """Another call is at work on this upload, and takes too long to wait for. Ask again in a few seconds."""


class Underway(UploadError):
    """The first call with this key is still at work. Ask again in a few seconds."""


class KeyReused(UploadError):
    """A key came again with another body than the first time."""


class Preparing(UploadError):
    """The image may still tell where and when it was taken, so its bytes are not offered yet. Ask again in seconds."""


class Unscanned(Preparing):
    """The virus check has not seen it yet. Ask again in seconds, unless the check is away."""


class Crowded(UploadError):
    """Too many uploads are being completed at this moment. Ask again in a few seconds."""


class Hashing(UploadError):
    """Too many passwords are being hashed at this moment. Ask again in a few seconds."""


class Locked(UploadError):
    """It has a password, which this visitor has not typed yet. Nothing else of it is shown but how long it is here."""

    def __init__(self, guard: "Guarded", expires_at: datetime, time_left: timedelta):
        super().__init__("a password is needed")
        self.guard, self.expires_at, self.time_left = guard, expires_at, time_left


class WrongPassword(Locked):
    """The password is another one."""


class Unconfirmed(UploadError):
    """Its download takes a password or counts, so it begins with a POST, which no previewer or prefetch sends."""


class PartsMissing(UploadError):
    """Storage does not have the parts with these numbers yet."""

    def __init__(self, numbers: list[int]):
        super().__init__(f"{len(numbers)} parts are missing")
        self.numbers = numbers


class Refused(UploadError):
    """The upload is not what it was declared to be, and is being removed. `str()` says why, without its name."""


class Gone(UploadError):
    """The upload has expired or was removed."""


class Unknown(Gone):
    """There never was such an upload for visitors: no row has this id, or the row never became ready."""
