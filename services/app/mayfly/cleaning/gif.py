"""GIF (https://www.w3.org/Graphics/GIF/spec-gif89a.txt): blocks, whose data comes in sub-blocks of up to 255 bytes."""

from .edits import Edit, Edits
from .source import Source, Unreadable

IMAGE, EXTENSION, END = 0x2C, 0x21, 0x3B
CONTROL, TEXT, APPLICATION = 0xF9, 0x01, 0xFF
# The applications that change what people see: two names for repeating an animation, and a profile.
SEEN = {b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"}


def walk(source: Source) -> list[Edit]:
    """The edits that leave a GIF its frames and their times. Raises Unreadable, NotAtHand.

    XMP ends with a row of bytes by which it passes for sub-blocks, so it needs no rule of its own.
    """
    edits = Edits()
    head = source.take(13)
    if head[:3] != b"GIF" or len(head) < 13:
        raise Unreadable("no header")
    source.go_to(13 + _colours(head[10]))
    while not source.is_over:
        start = source.position
        kind = source.take(1)[0]
        if kind == IMAGE:
            frame = source.take(9)
            source.go_to(source.position + _colours(frame[8] if len(frame) == 9 else 0) + 1)
            _pass_data(source)
        elif kind == EXTENSION:
            label = (source.take(1) or b"\0")[0]
            seen = label in (CONTROL, TEXT) or (label == APPLICATION and _application(source) in SEEN)
            _pass_data(source)
            if not seen:
                edits.drop(start, source.position)
        else:
            # The end, or what is no block, where browsers end as well.
            edits.drop(source.position if kind == END else start, source.size)
            break
    return edits.in_order()


def _colours(flags: int) -> int:
    """The length of the table of colours that follows, in bytes."""
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _application(source: Source) -> bytes:
    """The name in the first sub-block."""
    length = source.take(1)
    return source.take(length[0]) if length else b""


def _pass_data(source: Source) -> None:
    """Go to behind the empty sub-block that ends the data."""
    while length := source.take(1):
        if not length[0]:
            return
        source.go_to(source.position + length[0])
