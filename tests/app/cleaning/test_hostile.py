"""Images that were built to hurt the one who reads them: each walk ends soon, with edits or with a refusal."""

import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayfly.cleaning import NotAtHand, Source, Unreadable, applied, edits, plan, size_after, source

from ...support.fuzzing import BOUNDED
from ...support.pictures import pieces
from ..pictures import box, chunk, every_picture, segment
from .samples import CORPUS, EVERY

SEEDS = [(content, content_type) for content_type, content in EVERY.items()] + [
    (CORPUS[name].content, CORPUS[name].content_type)
    for name in (
        "animated AVIF",
        "animated WebP",
        "animated PNG",
        "AVIF with alpha",
        "Samsung panorama without end marker",
    )
]
TYPES = sorted({content_type for _, content_type in SEEDS})


def walked(content: bytes, content_type: str) -> bytes | None:
    """The bytes to store; None if it is refused. No other exception passes."""
    try:
        found = plan(content_type, Source(pieces(content, 5000), len(content)))
    except Unreadable:
        return None
    out = b"".join(applied(pieces(content, 5000), found))
    assert len(out) == size_after(len(content), found)
    assert len(out) <= len(content)
    return out


@given(st.data())
@settings(BOUNDED, max_examples=300)
def test_a_mutated_image_is_cleaned_or_refused(data):
    """Case 102: cut anywhere, with bytes changed, doubled and left out."""
    content, content_type = data.draw(st.sampled_from(SEEDS))
    changed = bytearray(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, min(len(changed), 3000)))
        new = data.draw(st.sampled_from([b"", b"\xff\xff\xff\xff", bytes(4), b"\0\0\0\1", b"\x7f", b"\xff\xd8"]))
        changed[at : at + data.draw(st.integers(0, 8))] = new
    out = walked(bytes(changed), content_type)
    if out is not None:
        again = walked(out, content_type)
        assert again is None or again == walked(again, content_type)


@given(st.sampled_from(TYPES), st.binary(max_size=300))
@settings(BOUNDED, max_examples=200)
def test_bytes_that_are_no_image_end_a_walk(content_type, content):
    walked(content, content_type)


@pytest.mark.parametrize("picture", every_picture().values(), ids=every_picture())
def test_a_walk_of_the_first_bytes_asks_for_more_or_is_sure(picture):
    """Web decides by them whether an image must be cleaned, so a part may never seem cleaner than the whole."""
    if not picture.content_type or picture.refusal:
        return
    whole = plan(picture.content_type, Source([picture.content], len(picture.content)))
    for length in (0, 12, 64, 300, 1000, len(picture.content)):
        try:
            part = plan(picture.content_type, Source([picture.content[:length]], len(picture.content)))
        except NotAtHand:
            continue
        assert part == whole


# Each is as many small pieces as fit; what is to be left out never adjoins.
MANY = {
    "comments in a JPEG": (b"\xff\xd8", segment(0xFE, b"") + segment(0xDD, b"\0\0"), "image/jpeg"),
    "texts in a PNG": (b"\x89PNG\r\n\x1a\n", chunk(b"tEXt", b"") + chunk(b"IDAT", b""), "image/png"),
    "notes in a WebP": (
        b"RIFF\xff\xff\xff\0WEBP",
        b"note\0\0\0\0VP8 \0\0\0\0",
        "image/webp",
    ),
    "comments in a GIF": (b"GIF89a" + bytes(7), b"!\xfe\0!\xf9\0", "image/gif"),
    "boxes in an AVIF": (box(b"ftyp", b"avif"), box(b"uuid", b"x") + box(b"mdat", b""), "image/avif"),
}


@pytest.mark.parametrize("what", MANY)
def test_an_image_of_countless_pieces_is_refused(what, monkeypatch):
    """Case 102."""
    monkeypatch.setattr(edits, "MOST_EDITS", 500)
    start, piece, content_type = MANY[what]
    assert walked(start + piece * 400, content_type) is not None
    with pytest.raises(Unreadable, match="too many pieces"):
        plan(content_type, Source([start + piece * 1000], len(start + piece * 1000)))


def test_a_walk_ends_after_its_steps(monkeypatch):
    """Case 102: a GIF may have a sub-block for each byte."""
    monkeypatch.setattr(source, "MOST_STEPS", 1000)
    content = b"GIF89a" + bytes(7) + b"!\xf9" + b"\1x" * 5000
    with pytest.raises(Unreadable, match="too many pieces"):
        plan("image/gif", Source([content], len(content)))


def test_an_avif_nested_without_end_needs_no_stack():
    """Case 102."""
    nested = b""
    for _ in range(20_000):
        nested = box(b"trak", nested)
    assert walked(box(b"ftyp", b"avif") + box(b"moov", nested), "image/avif") is not None


def test_tables_of_any_length_are_not_read_into_memory():
    content = box(b"ftyp", b"avif") + struct.pack(">I4s", 60_000_000, b"meta") + bytes(60_000_000 - 8)
    with pytest.raises(Unreadable, match="too long"):
        plan("image/avif", Source([content], len(content)))


@pytest.mark.parametrize("content_type", TYPES)
def test_a_large_image_is_not_held_in_memory(content_type):
    """Case 102: pieces of 64 KB; the film behind a picture may have any length."""

    def endless():
        yield EVERY[content_type]
        for _ in range(500):
            yield bytes(65_536)

    size = len(EVERY[content_type]) + 500 * 65_536
    tracemalloc.start()
    found = plan(content_type, Source(endless(), size))
    written = sum(len(piece) for piece in applied(endless(), found))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert written == size_after(size, found)
    assert peak < 2_000_000
