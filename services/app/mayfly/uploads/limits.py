"""All limits in one place, read from the settings once, at import."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from .choices import Kind

MB = 1_000_000
NAME_LENGTH = 255
TITLE_LENGTH = 80
PASSWORD_LENGTH = 200
DOWNLOADS = 100  # the most that a limit on downloads may be
# Storage's words about a failed removal: enough for the code and the sentence of S3's error.
FAILURE_LENGTH = 200
ASK_LENGTH = 32  # hexadecimal digits of a hash: 128 bits
DIGEST_LENGTH = 64  # a SHA-256 in hexadecimal
# The largest content that is hashed: a task of the worker reads it within some seconds.
DIGESTED = 256 * MB
FORM_FILES = 100  # the most files of one form that are taken
PDF_PREVIEW = 32 * MB  # the largest PDF whose first page is shown: the decoder has it in memory whole
# The lifetimes that a form offers, beside the usual one; those above the longest are left out.
OFFERED_LIFETIMES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=12))
BUNDLE_UPLOADS = 200  # the most uploads of a bundle: its page and its ZIP have all of them
PAGE = 50  # the most uploads that a page of a list has
# The longest that a download URL is valid: enough to follow a redirect, too short to be passed on.
DOWNLOAD_URL_LIFETIME = timedelta(seconds=60)


@dataclass(slots=True)
class Limits:
    """Sizes in bytes, times as timedeltas. `images_kept` 0 keeps all images, `site_quota` 0 counts nothing,
    and with `zip_size` 0 there is no ZIP. With `scans` no upload is offered before the virus check.

    Reconcile always removes up to `reconcile_most` findings; above that, at most a tenth of what exists.
    """

    image_size: int
    image_megapixels: int
    file_size: int
    form_size: int
    zip_size: int
    box_quota: int
    address_quota: int
    site_quota: int
    box_uploads: int
    address_uploads: int
    images_kept: int
    lifetime: timedelta
    longest_lifetime: timedelta
    transfer_time: timedelta
    receipt_time: timedelta
    reconcile_most: int
    scans: bool

    def size(self, kind: Kind) -> int:
        """The largest size that one upload of this kind may have, in bytes."""
        return self.image_size if kind == Kind.IMAGE else self.file_size

    @property
    def lifetimes(self) -> list[timedelta]:
        """The lifetimes that a form offers, the shortest first. The usual one is always among them."""
        return sorted({self.lifetime, *(offered for offered in OFFERED_LIFETIMES if offered <= self.longest_lifetime)})


limits = Limits(
    image_size=settings.MAX_IMAGE_MB * MB,
    image_megapixels=settings.MAX_IMAGE_MEGAPIXELS,
    file_size=settings.MAX_FILE_MB * MB,
    form_size=settings.MAX_FORM_MB * MB,
    zip_size=settings.MAX_ZIP_MB * MB,
    box_quota=settings.BOX_QUOTA_MB * MB,
    address_quota=settings.ADDRESS_QUOTA_MB * MB,
    site_quota=settings.SITE_QUOTA_MB * MB,
    box_uploads=settings.BOX_UPLOADS_MAX,
    address_uploads=settings.ADDRESS_UPLOADS_MAX,
    images_kept=settings.IMAGES_KEPT,
    lifetime=settings.UPLOAD_LIFETIME,
    longest_lifetime=settings.MAX_LIFETIME,
    transfer_time=settings.TRANSFER_TIME,
    receipt_time=settings.RECEIPT_TIME,
    reconcile_most=settings.RECONCILE_MAX,
    scans=bool(settings.CLAMD_URL),
)
