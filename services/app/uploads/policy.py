"""What may be sent, how large, and for how long. The limits are read from the settings once, at import."""

import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import TextChoices
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

MB = 1_000_000
MiB = 1024 * 1024
# Small enough that a weak connection loses little with a part, above the 5 MiB that S3 asks of all but the last.
PART_SIZE = 8 * MiB
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PARTS = 10_000
# What is read of an object to tell its kind; the longest signature below ends at byte 12.
FIRST_BYTES = 32
OCTETS = "application/octet-stream"
NAME_LENGTH = 255
TITLE_LENGTH = 80


class Kind(TextChoices):
    IMAGE = "image", gettext_lazy("image")
    FILE = "file", gettext_lazy("file")


class NotAllowed(Exception):
    """What a client asked for is against the policy.

    `str()` is for people; `code`, `field` and `status`, as HTTP means it, are for programs.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None, status: int = 400):
        super().__init__(message)
        self.code, self.field, self.status = code, field, status


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits in one place: sizes in bytes, times as timedeltas; `images_kept` 0 keeps all.

    `reconcile_most` is how much reconcile removes in any case; above it, a tenth of what there is.
    """

    image_size: int
    image_megapixels: int
    file_size: int
    form_size: int
    box_quota: int
    address_quota: int
    images_kept: int
    lifetime: timedelta
    longest_lifetime: timedelta
    transfer_time: timedelta
    receipt_time: timedelta
    reconcile_most: int

    def size(self, kind: Kind) -> int:
        """The most bytes that one upload of this kind may have."""
        return self.image_size if kind == Kind.IMAGE else self.file_size


limits = Limits(
    image_size=settings.MAX_IMAGE_MB * MB,
    image_megapixels=settings.MAX_IMAGE_MEGAPIXELS,
    file_size=settings.MAX_FILE_MB * MB,
    form_size=settings.MAX_FORM_MB * MB,
    box_quota=settings.BOX_QUOTA_MB * MB,
    address_quota=settings.ADDRESS_QUOTA_MB * MB,
    images_kept=settings.IMAGES_KEPT,
    lifetime=settings.UPLOAD_LIFETIME,
    longest_lifetime=settings.MAX_LIFETIME,
    transfer_time=settings.TRANSFER_TIME,
    receipt_time=settings.RECEIPT_TIME,
    reconcile_most=settings.RECONCILE_MAX,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How an upload of `size` bytes is cut into `count` parts of `part_size` bytes, the last one shorter."""

    size: int
    part_size: int

    @property
    def count(self) -> int:
        return -(-self.size // self.part_size)

    def size_of(self, number: int) -> int:
        """The exact size of part `number`, counted from 1."""
        if not 1 <= number <= self.count:
            raise NotAllowed(
                "no_such_part", _("Part %(number)d: this upload has parts 1 to %(count)d.")
                % {"number": number, "count": self.count}, field="numbers",
            )  # fmt: skip
        return min(self.part_size, self.size - (number - 1) * self.part_size)


def part_size(size: int) -> int:
    """The part size for an upload of `size` bytes: PART_SIZE, or what keeps it within MAX_PARTS, in whole MiB."""
    return max(PART_SIZE, -(-size // (MAX_PARTS * MiB)) * MiB)


def check_size(kind: Kind, size: int) -> None:
    """Raises NotAllowed for an empty upload and for one above its kind's limit."""
    if size < 1:
        raise NotAllowed("empty", _("This file is empty. Choose one that has something in it."), field="size")
    if size > limits.size(kind):
        message = (
            _("An image may have %(limit)s. Make it smaller, or send it as a file.")
            if kind == Kind.IMAGE
            else _("A file may have %(limit)s. Cut it into smaller ones.")
        )
        raise NotAllowed("too_large", message % {"limit": in_words(limits.size(kind))}, field="size", status=413)


def check_box_quota(used: int, size: int) -> None:
    """Raises NotAllowed where `size` more bytes would not fit into a box beside the `used` ones."""
    if used + size > limits.box_quota:
        message = _("All your uploads together may have %(limit)s. Clear some, or wait until they have expired.")
        raise NotAllowed("box_full", message % {"limit": in_words(limits.box_quota)}, field="size", status=413)


def check_address_quota(used: int, size: int) -> None:
    """Raises NotAllowed where `size` more bytes would be too many from one address beside the `used` ones."""
    if used + size > limits.address_quota:
        message = _("All uploads from your network address together may have %(limit)s. Wait until some have expired.")
        raise NotAllowed("address_full", message % {"limit": in_words(limits.address_quota)}, field="size", status=429)


def check_lifetime(lifetime: timedelta) -> None:
    """Raises NotAllowed for a lifetime below a second or above the longest."""
    if not timedelta(seconds=1) <= lifetime <= limits.longest_lifetime:
        raise NotAllowed(
            "lifetime",
            _("A lifetime is from 1 to %(most)d seconds.") % {"most": limits.longest_lifetime.total_seconds()},
            field="lifetime",
        )


def clean_name(name: str) -> str:
    """The name as people will see it again: unchanged, but for control characters, which become `_`.

    A name is only shown and sent in headers, never used as a path, so slashes may stay.
    Raises NotAllowed for none, for more than 255 characters, and for what is not text.
    """
    name = _printable(name, field="name")
    if not name.strip():
        raise NotAllowed("name", _("A file needs a name."), field="name")
    if len(name) > NAME_LENGTH:
        raise NotAllowed("name", _("A name has at most %d characters.") % NAME_LENGTH, field="name")
    return name


def clean_title(title: str) -> str:
    """The title on one line, without blanks around it. Raises NotAllowed for more than 80 characters."""
    title = _printable(title, field="title").strip()
    if len(title) > TITLE_LENGTH:
        raise NotAllowed("title", _("A title has at most %d characters.") % TITLE_LENGTH, field="title")
    return title


def content_type_of(kind: Kind, first: bytes) -> str:
    """The content type that an upload is given out with, from its first bytes and never from what a client said.

    Raises NotAllowed where an image is none that we can show.
    """
    if kind == Kind.FILE:
        return OCTETS
    if first[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1", b"ftyphevc"):
        raise NotAllowed("not_an_image", _("HEIC pictures cannot be shown here. Send it as a file instead."))
    for content_type, offset, signature in SIGNATURES:
        if first[offset : offset + len(signature)] == signature:
            return content_type
    raise NotAllowed(
        "not_an_image",
        _("This is not an image we can show: JPEG, PNG, WebP, GIF and AVIF are. Send it as a file instead."),
    )


# https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern, and the AVIF specification for its brands.
SIGNATURES = (
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/gif", 0, b"GIF87a"),
    ("image/gif", 0, b"GIF89a"),
    ("image/webp", 8, b"WEBPVP"),
    ("image/avif", 4, b"ftypavif"),
    ("image/avif", 4, b"ftypavis"),
)


def in_words(size: int) -> str:
    """A limit as people say it: 64 MB, 4.1 GB; with a comma where their language has one."""
    return f"{rounded(size / (1000 * MB))} GB" if size >= 1000 * MB else f"{rounded(size / MB)} MB"


def rounded(value: float) -> str:
    """Three digits that count, as the language writes them."""
    return number_format(f"{float(f'{value:.3g}'):g}")  # 1000 and not 1e+03


def _printable(value: str, *, field: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NotAllowed("not_text", _("This is not valid text."), field=field) from error
    return "".join("_" if unicodedata.category(character) == "Cc" else character for character in value)
