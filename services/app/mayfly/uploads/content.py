"""The type of an upload, as its first bytes prove it."""

from django.utils.translation import gettext as _

from ..storage.headers import OCTETS
from .choices import Kind
from .errors import NotAllowed

# How many bytes are read to learn the type: the signatures below, and up to twelve brands of an ISO media file.
FIRST_BYTES = 64
# https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
SIGNATURES = (
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/gif", 0, b"GIF87a"),
    ("image/gif", 0, b"GIF89a"),
    ("image/webp", 8, b"WEBPVP"),
)
# https://aomediacodec.github.io/av1-avif/#brands. The general brands may come first in files of any codec.
AVIF_BRANDS = {b"avif", b"avis"}
GENERAL_BRANDS = {b"mif1", b"msf1"}
HEIC_BRANDS = {b"heic", b"heix", b"hevc"}


def content_type_of(kind: Kind, first: bytes) -> str:
    """The content type that an upload is given out with, from its first bytes and never from a client's word.

    Raises NotAllowed if the image is in a format that we cannot show.
    """
    if kind == Kind.FILE:
        return OCTETS
    major, *others = _brands(first)
    if major in AVIF_BRANDS or (major in GENERAL_BRANDS and AVIF_BRANDS.intersection(others)):
        return "image/avif"
    if major in HEIC_BRANDS | GENERAL_BRANDS:
        raise NotAllowed("not_an_image", _("HEIC pictures cannot be shown here. Send it as a file instead."))
    for content_type, offset, signature in SIGNATURES:
        if first[offset : offset + len(signature)] == signature:
            return content_type
    raise NotAllowed(
        "not_an_image",
        _("This is not an image we can show: JPEG, PNG, WebP, GIF and AVIF are. Send it as a file instead."),
    )


def _brands(first: bytes) -> list[bytes]:
    """The brands of an ISO media file (ISO 14496-12, 4.3), the major one first; an empty one for any other file."""
    if first[4:8] != b"ftyp":
        return [b""]
    end = min(int.from_bytes(first[:4]), len(first))
    return [first[8:12], *(first[start : start + 4] for start in range(16, end, 4))]
