"""The type of an upload, as its first bytes prove it."""

from django.utils.translation import gettext as _

from ..storage.headers import OCTETS
from .choices import Kind
from .errors import NotAllowed

# How many bytes are read to learn the type; the longest signature below ends at byte 12.
FIRST_BYTES = 32
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
HEIC_BRANDS = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1", b"ftyphevc")


def content_type_of(kind: Kind, first: bytes) -> str:
    """The content type that an upload is given out with, from its first bytes and never from a client's word.

    Raises NotAllowed if the image is in a format that we cannot show.
    """
    if kind == Kind.FILE:
        return OCTETS
    if first[4:12] in HEIC_BRANDS:
        raise NotAllowed("not_an_image", _("HEIC pictures cannot be shown here. Send it as a file instead."))
    for content_type, offset, signature in SIGNATURES:
        if first[offset : offset + len(signature)] == signature:
            return content_type
    raise NotAllowed(
        "not_an_image",
        _("This is not an image we can show: JPEG, PNG, WebP, GIF and AVIF are. Send it as a file instead."),
    )
