"""JPEG (ITU T.81, annex B): segments, and scans between them."""

import re
import struct

from .edits import Edit, Edits
from .exif import PREFIX, upright_only
from .source import Source, Unreadable

START, END, SCAN, TEMPORARY = 0xD8, 0xD9, 0xDA, 0x01
# Frames and tables: what a decoder needs.
DECODED = {*range(0xC0, 0xD0), *range(0xDA, 0xE0)} - {0xC8}
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
# A marker, but not those that belong to the data of a scan: a stuffed byte and the restarts.
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
PROFILE, JFIF, ADOBE = b"ICC_PROFILE\0", b"JFIF\0", b"Adobe"
# JFIF's version and density, before the two sizes of a thumbnail; all of Adobe's fields, the transform last.
JFIF_LENGTH, ADOBE_LENGTH = 12, 12


def walk(source: Source) -> list[Edit]:
    """The edits that leave a JPEG its picture, profile and orientation. Raises Unreadable, NotAtHand.

    Whatever follows the end of the picture goes: films, further pictures, notes of the camera.
    """
    edits = Edits()
    if source.take(2) != b"\xff\xd8":
        raise Unreadable("no start")
    in_scan, has_exif, end = False, False, 2
    while True:
        before = source.position
        found = source.find(MARKER)
        start = source.position
        if not in_scan:
            edits.drop(before, start)  # no marker, so decoders pass over it
        if not found:
            if in_scan:
                edits.drop(max(start - samsung_trailer(source.tail()), end), start)
            return edits.in_order()
        kind = source.take(2)[1]
        if kind == END:
            edits.drop(source.position, source.size)
            return edits.in_order()
        if kind == START:  # another picture, after one that lacks its end
            edits.drop(start, source.size)
            return edits.in_order()
        if kind == TEMPORARY:
            edits.drop(start, source.position)
            continue
        end = start + 2 + int.from_bytes(source.take(2))
        if end < start + 4:
            raise Unreadable("a segment without a length")
        in_scan = kind == SCAN
        if kind not in DECODED:
            content = source.take(end - start - 4)
            kept = kept_of(kind, content, has_exif=has_exif)
            has_exif = has_exif or (kind == APP1 and content.startswith(PREFIX))
            if not kept:
                edits.drop(start, source.position)
            elif kept != content:
                segment = struct.pack(">BBH", 0xFF, kind, len(kept) + 2) + kept
                edits.replace(start, source.position, segment)
        source.go_to(end)


def kept_of(kind: int, content: bytes, *, has_exif: bool) -> bytes:
    """The part to keep of a segment that no decoder needs for the pixels; nothing if it goes as a whole."""
    if kind == APP0 and content.startswith(JFIF):
        return content[:JFIF_LENGTH].ljust(JFIF_LENGTH, b"\0") + b"\0\0"
    if kind == APP1 and content.startswith(PREFIX) and not has_exif:
        turned = upright_only(content)
        return PREFIX + turned if turned else b""
    if kind == APP2 and content.startswith(PROFILE):
        return content
    if kind == APP14 and content.startswith(ADOBE):
        return content[:ADOBE_LENGTH]
    return b""


def samsung_trailer(tail: bytes) -> int:
    """How many bytes at the end are notes of a Samsung camera, whose panoramas have them in place of the end marker.

    https://exiftool.org/TagNames/Samsung.html#Trailer: a directory at the end says how far before it each note begins.
    """
    if len(tail) < 20 or not tail.endswith(b"SEFT"):
        return 0
    length: int = 8 + struct.unpack_from("<I", tail, len(tail) - 8)[0]
    directory = tail[-length:]
    if length > len(tail) or not directory.startswith(b"SEFH"):
        return 0
    count = min(struct.unpack_from("<I", directory, 8)[0], (length - 20) // 12)
    before: list[int] = [struct.unpack_from("<I", directory, 16 + 12 * entry)[0] for entry in range(count)]
    return length + max(before, default=0)
