"""A cleaned image has nothing in it that cameras and editors put there; the picture is the same."""

import struct

import pytest
import pyvips

from .. import cameras
from ..cameras import SECRETS, secrets_in
from ..pictures import box
from .samples import CORPUS, EVERY, TURNED, cleaned


def looks(content: bytes, content_type: str) -> tuple[object, ...]:
    """All that a decoder finds: the size, every pixel of every frame, how it is turned, its profile, its times."""
    options = {"n": -1} if content_type in ("image/gif", "image/webp") else {}
    if content_type == "image/avif":
        content = content[:8] + b"avif" + content[12:]  # libvips knows no other main brand
    image = pyvips.Image.new_from_buffer(content, "", **options)
    fields = ("orientation", "icc-profile-data", "delay", "loop", "n-pages", "page-height")
    seen = {name: image.get(name) for name in fields if name in image.get_fields()}
    if seen.get("orientation") not in range(2, 9):
        seen.pop("orientation", None)
    return image.width, image.height, image.bands, image.format, image.write_to_memory(), seen


@pytest.mark.parametrize("content_type", EVERY)
def test_nothing_that_a_camera_wrote_is_left_in_an_image(content_type):
    """Case 101."""
    content = EVERY[content_type]
    before = secrets_in(content)
    assert len(before) >= (3 if content_type == "image/gif" else 4)
    assert not secrets_in(cleaned(content, content_type))
    if content_type == "image/jpeg":
        assert before == set(SECRETS)


@pytest.mark.parametrize("content_type", EVERY)
def test_a_cleaned_image_has_every_pixel_and_its_profile(content_type):
    content = EVERY[content_type]
    assert looks(cleaned(content, content_type), content_type) == looks(content, content_type)


@pytest.mark.parametrize("content_type", TURNED)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cleaned_image_stays_the_right_way_up(content_type, orientation):
    content = cleaned(TURNED[content_type](orientation), content_type)
    assert (cameras.plain_exif(orientation) in content) == (orientation != 1)
    if content_type != "image/png":  # libvips does not look for EXIF behind the picture
        image = pyvips.Image.new_from_buffer(content, "")
        assert (image.get("orientation") if "orientation" in image.get_fields() else 1) == orientation


@pytest.mark.parametrize("picture", CORPUS.values(), ids=CORPUS)
def test_a_picture_of_the_corpus_looks_the_same_when_cleaned(picture):
    out = cleaned(picture.content, picture.content_type)
    assert cleaned(out, picture.content_type) == out
    if not picture.refusal:
        assert looks(out, picture.content_type) == looks(picture.content, picture.content_type)


@pytest.mark.parametrize("content_type", EVERY)
def test_the_pieces_that_storage_gives_make_no_difference(content_type):
    content = EVERY[content_type]
    whole = cleaned(content, content_type, len(content))
    assert all(cleaned(content, content_type, size) == whole for size in (1, 2, 7, 4096))


def test_a_panorama_without_its_end_loses_the_notes_of_its_camera():
    content = CORPUS["Samsung panorama, trailer for end marker"].content
    assert b"Image_UTC_Data" in content
    assert b"Image_UTC_Data" not in cleaned(content, "image/jpeg")


def test_the_times_of_an_animated_avif_are_blank():
    content = CORPUS["animated AVIF"].content
    at = content.index(b"mvhd") + 8
    dated = content[:at] + b"\xe0\0\0\1\xe0\0\0\2" + content[at + 8 :]
    assert cleaned(dated, "image/avif") == cleaned(content, "image/avif")


def test_a_thumbnail_in_an_avif_is_blank_hidden_and_none():
    def info(item: int) -> bytes:
        return box(b"infe", struct.pack(">BxxxHH4sx", 2, item, 0, b"av01"))

    def meta(data_at: int) -> bytes:
        places = b"".join(struct.pack(">HHHII", item, 0, 1, data_at + 40 * (item - 1), 40) for item in (1, 2))
        tables = [
            box(b"iinf", struct.pack(">xxxxH", 2) + info(1) + info(2)),
            box(b"iref", bytes(4) + box(b"thmb", struct.pack(">HHH", 2, 1, 1))),
            box(b"iloc", struct.pack(">xxxxBBH", 0x44, 0, 2) + places),
        ]
        return box(b"meta", bytes(4) + b"".join(tables))

    head = box(b"ftyp", b"avif\0\0\0\0avif")
    content = head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", b"p" * 40 + b"t" * 40)
    out = cleaned(content, "image/avif")
    assert len(out) == len(content)
    assert out.endswith(b"p" * 40 + bytes(40))
    assert b"thmb" not in out
    assert [out[at + 7] for at in (out.index(b"infe"), out.rindex(b"infe"))] == [0, 1]
