"""PNG (https://www.w3.org/TR/png-3/): chunks, of which each says by a letter whether decoders need it."""

import struct
import zlib

from .edits import Edit, Edits
from .exif import MOST, upright_only
from .source import Source, Unreadable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END, EXIF = b"IEND", b"eXIf"
# Those beside the critical ones that change what people see: colours, transparency, proportions, animation.
SEEN = {
    *(b"cHRM", b"cICP", b"gAMA", b"iCCP", b"mDCV", b"mDCv", b"cLLI", b"cLLi", b"sBIT", b"sRGB"),
    *(b"bKGD", b"pHYs", b"tRNS"),
    *(b"acTL", b"fcTL", b"fdAT"),
}
LONGEST = 2**31 - 1


def walk(source: Source) -> list[Edit]:
    """The edits that leave a PNG its picture, colours, frames and orientation. Raises Unreadable, NotAtHand."""
    edits = Edits()
    if source.take(8) != SIGNATURE:
        raise Unreadable("no signature")
    has_exif = False
    while not source.is_over:
        start = source.position
        head = source.take(8)
        length, kind = int.from_bytes(head[:4]), head[4:]
        end = min(start + 12 + length, source.size)
        if len(head) < 8:
            edits.drop(start, end)  # the rest of a chunk that is cut off
        elif length > LONGEST or not kind.isalpha():
            raise Unreadable("no chunk")
        elif kind == END:
            edits.drop(end, source.size)
            break
        elif kind == EXIF and not has_exif:
            has_exif = True
            _keep_upright(source, edits, start, end, length)
        elif not (kind[:1].isupper() or kind in SEEN):
            edits.drop(start, end)
        source.go_to(end)
    return edits.in_order()


def _keep_upright(source: Source, edits: Edits, start: int, end: int, length: int) -> None:
    content = source.take(min(length, MOST))
    turned = upright_only(content)
    if not turned:
        edits.drop(start, end)
    elif turned != content or length != len(turned):
        checksum = zlib.crc32(EXIF + turned)
        edits.replace(start, end, struct.pack(">I", len(turned)) + EXIF + turned + struct.pack(">I", checksum))
