"""WebP (RFC 9649): chunks in a RIFF container, whose first may say which others come."""

import struct

from .edits import Edit, Edits
from .exif import MOST, upright_only
from .source import Source, Unreadable

FEATURES, EXIF = b"VP8X", b"EXIF"
SEEN = {FEATURES, b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}
HAS_EXIF, HAS_XMP = 0x08, 0x04


def walk(source: Source) -> list[Edit]:
    """The edits that leave a WebP its picture, profile, frames and orientation. Raises Unreadable, NotAtHand."""
    edits = Edits()
    head = source.take(12)
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise Unreadable("no header")
    size = int.from_bytes(head[4:8], "little")
    over = min(8 + size, source.size)
    features, has_exif, is_turned = -1, False, False
    while source.position < over:
        start = source.position
        chunk = source.take(8)
        length = int.from_bytes(chunk[4:], "little")
        end = min(start + 8 + length + length % 2, source.size)
        kind = chunk[:4]
        if kind == FEATURES and features < 0:
            features = (source.take(1) or b"\0")[0]
            features_at = start + 8
        elif kind == EXIF and not has_exif:
            has_exif = True
            is_turned = _keep_upright(source, edits, start, end, length)
        elif kind not in SEEN or kind == FEATURES:
            edits.drop(start, end)
        source.go_to(end)
    end = max(source.position, over)
    shorter = edits.removed(end)
    edits.drop(end, source.size)
    if features >= 0:
        true = features & ~(HAS_EXIF | HAS_XMP) | (HAS_EXIF if is_turned else 0)
        if true != features:
            edits.replace(features_at, features_at + 1, bytes([true]))
    if shorter:
        edits.replace(4, 8, struct.pack("<I", max(size - shorter, 4)))
    return edits.in_order()


def _keep_upright(source: Source, edits: Edits, start: int, end: int, length: int) -> bool:
    """Whether something of the EXIF stays."""
    content = source.take(min(length, MOST))
    turned = upright_only(content)
    if not turned:
        edits.drop(start, end)
    elif turned != content or length != len(turned):
        edits.replace(start, end, EXIF + struct.pack("<I", len(turned)) + turned)
    return bool(turned)
