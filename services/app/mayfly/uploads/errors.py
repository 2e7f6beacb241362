"""Why the domain says no. Errors carry no HTTP: `mayfly.problems` gives each its status.

UploadError
├── Busy            another call is at work on this upload
├── Underway        the first call with this key is still at work
├── KeyReused       a key came again with another body
├── Crowded         too many uploads are being completed at this moment
├── NotAllowed      a client asked for something against a rule
├── PartsMissing    storage does not have all parts yet
├── Refused         the upload is not what was declared
└── Gone            the upload has expired or was removed
    └── Unknown     there never was such an upload
"""


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


class Crowded(UploadError):
    """Too many uploads are being completed at this moment. Ask again in a few seconds."""


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
