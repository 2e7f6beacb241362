"""AVIF (https://aomediacodec.github.io/av1-avif/): boxes, which say by its place in the file where each item is.

So nothing moves: what goes becomes free space or zeros. The orientation is a property of the picture, and stays.
"""

from .boxes import FREE, Box, blank, boxes_in, free, length_of
from .edits import Edit, Edits
from .items import Items
from .source import Source, Unreadable

META, MOVIE = b"meta", b"moov"
SEEN = {b"ftyp", b"styp", b"mdat", b"moof", b"sidx"}
# The tables of items, and of a film, are read as a whole. Those of a photo have some KB.
MOST_TABLES = 4_000_000
SEEN_IN_META = {b"hdlr", b"pitm", b"iloc", b"iinf", b"iref", b"iprp", b"idat", b"dinf", b"grpl"}
# Properties that describe in words or by time (ISO 23008-12, 6.5.20, 6.5.33 and 6.5.34), or as a vendor likes.
TOLD = {b"udes", b"altt", b"crtt", b"mdft", b"uuid"}
# A film: what holds other boxes, what holds the times of its making, and what else a player needs.
HOLDERS, TIMED = {b"trak", b"mdia"}, {b"mvhd", b"tkhd", b"mdhd"}
SEEN_IN_MOVIE = {b"hdlr", b"minf", b"edts", b"tref", b"mvex", b"elng", b"trgr"}
BLOCK = 65_536


def walk(source: Source) -> list[Edit]:
    """The edits that leave an AVIF its pictures, properties and frames. Raises Unreadable, NotAtHand."""
    edits = Edits()
    while not source.is_over:
        start = source.position
        head = source.take(8)
        head += source.take(8) if head[:4] == b"\0\0\0\1" else b""
        left = source.size - start
        if len(head) < 8 or (len(head) < 16 and head[:4] == b"\0\0\0\1"):
            edits.drop(start, source.size)  # the head of a box that is cut off
            break
        # A box that is cut off reaches to the end.
        declared = int.from_bytes(head[8:16] if len(head) > 8 else head[:4])
        length, own = (left, len(head)) if declared > left else length_of(head, left)
        box = Box(head[4:8], 0, own, length)
        if box.kind in (META, MOVIE):
            if length > MOST_TABLES:
                raise Unreadable("tables that are too long")
            content = head + source.take(length - own)
            if box.kind == META:
                _clean_meta(content, box, edits, start, source.size)
            else:
                _clean_movie(content, box, edits, start)
        elif box.kind not in SEEN:
            _blank(source, box, edits, start)
        source.go_to(start + length)
    return edits.in_order()


def _blank(source: Source, box: Box, edits: Edits, at: int) -> None:
    """Turn a box into free space, unless it is that already."""
    empty = box.kind == FREE
    while empty and source.position < at + box.end:
        empty = not any(source.take(min(BLOCK, at + box.end - source.position)))
    if not empty:
        free(box, edits, at=at)


def _clean_meta(content: bytes, meta: Box, edits: Edits, at: int, size: int) -> None:
    items = Items(content, meta)
    for box in boxes_in(content, meta.body + 4, meta.end):
        if box.kind not in SEEN_IN_META:
            blank(content, box, edits, at=at)
        elif box.kind == b"iprp":
            for part in boxes_in(content, box.body, box.end):
                if part.kind == b"ipco":
                    for told in boxes_in(content, part.body, part.end):
                        if told.kind in TOLD:
                            blank(content, told, edits, at=at)
    items.blank(edits, at=at, size=size)


def _clean_movie(content: bytes, movie: Box, edits: Edits, at: int) -> None:
    holders = [movie]
    while holders:
        holder = holders.pop()
        for box in boxes_in(content, holder.body, holder.end):
            if box.kind in HOLDERS:
                holders.append(box)
            elif box.kind in TIMED:
                # A version and flags, and then both times, in twice the length from version 1 on.
                times = box.body + 4, box.body + (20 if content[box.body : box.body + 1] == b"\1" else 12)
                if times[1] > box.end:
                    raise Unreadable("a head that is too short")
                if any(content[times[0] : times[1]]):
                    edits.blank(at + times[0], at + times[1])
            elif box.kind not in SEEN_IN_MOVIE:
                blank(content, box, edits, at=at)
