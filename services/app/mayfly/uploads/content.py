"""The type of an upload, as its first bytes prove it."""

from codecs import getincrementaldecoder

from django.utils.translation import gettext as _

from ..storage.headers import OCTETS
from .choices import Kind
from .errors import NotAllowed
from .limits import PDF_PREVIEW, limits

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
# These are for icons and previews of files. A file is never given out with its type.
FILE_SIGNATURES = (
    *SIGNATURES,
    ("application/pdf", 0, b"%PDF-"),
    ("application/zip", 0, b"PK\x03\x04"),
    ("application/gzip", 0, b"\x1f\x8b\x08"),
    ("application/x-7z-compressed", 0, b"7z\xbc\xaf\x27\x1c"),
    ("application/vnd.rar", 0, b"Rar!\x1a\x07"),
    ("application/x-xz", 0, b"\xfd7zXZ\x00"),
    ("application/zstd", 0, b"\x28\xb5\x2f\xfd"),
    ("video/webm", 0, b"\x1a\x45\xdf\xa3"),
    ("video/vnd.avi", 8, b"AVI "),
    ("audio/wav", 8, b"WAVE"),
    ("audio/ogg", 0, b"OggS"),
    ("audio/flac", 0, b"fLaC"),
    ("audio/mpeg", 0, b"ID3"),
    ("audio/mpeg", 0, b"\xff\xfb"),
    ("application/x-msdownload", 0, b"MZ"),
    ("application/x-elf", 0, b"\x7fELF"),
    ("application/x-mach-binary", 0, b"\xcf\xfa\xed\xfe"),
)
# https://aomediacodec.github.io/av1-avif/#brands. A file of AVIF may have one of these anywhere among its brands, and
# browsers look for no more. The general brands may come first in files of any codec.
AVIF_BRANDS = {b"avif", b"avis"}
GENERAL_BRANDS = {b"mif1", b"msf1"}
IMAGE_TYPES = [*dict.fromkeys(content_type for content_type, _, _ in SIGNATURES), "image/avif"]
HEIC_BRANDS = {b"heic", b"heix", b"hevc"}
AUDIO_BRANDS = {b"M4A ", b"M4B "}
PDF, TEXT = "application/pdf", "text/plain"
IMAGES = {"image/avif", *(content_type for content_type, _, _ in SIGNATURES)}
# The control characters that a text may have: tab, line feed, form feed, carriage return.
IN_TEXTS = {9, 10, 12, 13}


def content_type_of(kind: Kind, first: bytes) -> str:
    """The content type that an upload is given out with, from its first bytes and never from a client's word.

    Raises NotAllowed if the image is in a format that we cannot show.
    """
    if kind == Kind.FILE:
        return OCTETS
    content_type = proven_type(first)
    if content_type == "image/heic":
        raise NotAllowed("not_an_image", _("HEIC pictures cannot be shown here. Send it as a file instead."))
    if content_type not in IMAGES:
        raise NotAllowed(
            "not_an_image",
            _("This is not an image we can show: JPEG, PNG, WebP, GIF and AVIF are. Send it as a file instead."),
        )
    return content_type


def proven_type(first: bytes) -> str:
    """The type that the first bytes prove; empty if they prove none. A text is a guess until its lines are read."""
    major, *others = _brands(first)
    if major not in HEIC_BRANDS and AVIF_BRANDS.intersection([major, *others]):
        return "image/avif"
    if major in HEIC_BRANDS | GENERAL_BRANDS:
        return "image/heic"
    if major:
        return "audio/mp4" if major in AUDIO_BRANDS else "video/mp4"
    for content_type, offset, signature in FILE_SIGNATURES:
        if first[offset : offset + len(signature)] == signature:
            return content_type
    return TEXT if _may_be_text(first) else ""


def is_previewed(content_type: str, size: int) -> bool:
    """Whether a preview of an upload of this proven type and size is attempted."""
    if content_type in IMAGES:
        return size <= limits.image_size
    return content_type == TEXT or (content_type == PDF and size <= PDF_PREVIEW)


def _may_be_text(first: bytes) -> bool:
    try:
        # The last character may be cut.
        getincrementaldecoder("utf-8")().decode(first)
    except UnicodeDecodeError:
        return False
    return all(byte >= 32 or byte in IN_TEXTS for byte in first)


def _brands(first: bytes) -> list[bytes]:
    """The brands of an ISO media file (ISO 14496-12, 4.3), the major one first; an empty one for any other file."""
    if first[4:8] != b"ftyp":
        return [b""]
    end = min(int.from_bytes(first[:4]), len(first))
    return [first[8:12], *(first[start : start + 4] for start in range(16, end, 4))]
