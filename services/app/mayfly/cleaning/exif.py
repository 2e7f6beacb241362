"""EXIF: which way up an image is, and nothing else of it."""

import struct

# https://www.cipa.jp/std/documents/e/DC-008-Translation-2023-E.pdf, 4.6.2 (a TIFF header and a first directory) and
# 4.6.5.1 (the orientation).
ORIENTATION, SHORT = 0x0112, 3
UPRIGHT, TURNED = 1, range(2, 9)
ORDERS = {b"MM\0*": ">", b"II*\0": "<"}
# How much of it is read: a segment of JPEG has no more.
MOST = 65_536
PREFIX = b"Exif\0\0"


def orientation_of(exif: bytes) -> int:
    """The orientation, 1 to 8, as browsers read it; 1 if there is none."""
    order = ORDERS.get(exif[:4])
    if order is None or len(exif) < 10:
        return UPRIGHT
    start = struct.unpack_from(f"{order}I", exif, 4)[0] + 2
    if start > len(exif):
        return UPRIGHT
    count = struct.unpack_from(f"{order}H", exif, start - 2)[0]
    for place in range(start, min(start + 12 * count, len(exif) - 11), 12):
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", exif, place)
        if tag == ORIENTATION:
            return value if (kind, values) == (SHORT, 1) and value in TURNED else UPRIGHT
    return UPRIGHT


def upright_only(exif: bytes) -> bytes:
    """EXIF with the orientation of this one alone; nothing if the image needs no turn."""
    orientation = orientation_of(exif.removeprefix(PREFIX))
    return minimal(orientation) if orientation != UPRIGHT else b""


def minimal(orientation: int) -> bytes:
    """EXIF that holds this orientation."""
    return struct.pack(">4sIHHHIHHI", b"MM\0*", 8, 1, ORIENTATION, SHORT, 1, orientation, 0, 0)
