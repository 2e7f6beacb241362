"""Images that are damaged, disguised or too large to decode are refused."""

import pytest
import pyvips
from django.utils.translation import override

from mayfly.previews import draw
from mayfly.previews.draw import NotShowable
from mayfly.uploads.models import Upload
from mayfly.uploads.refusals import with_limit

from ...support import pictures
from ...support.images import drawn
from ...support.pictures import gradient, jpeg, pieces, png

SORTS = pictures.every_sort()


def test_a_truncated_image_is_refused():
    for sort in ("jpeg", "png", "webp", "gif", "avif"):
        content_type, content = SORTS[sort]
        with pytest.raises(NotShowable, match=r"Send it as a file instead\."):
            draw.draw(pieces(content[: len(content) * 2 // 3]), content_type=content_type)


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        gradient(9, 9).tiffsave_buffer(),
        SORTS["jpeg"][1],
        b"",
    ],
    ids=["svg", "tiff", "jpeg", "nothing"],
)
def test_only_the_loader_of_the_content_type_is_tried(content):
    with pytest.raises(NotShowable):
        draw.draw(pieces(content), content_type="image/png")


def test_too_many_pixels_are_refused_with_a_way_out(limits):
    limits(image_megapixels=1)
    assert drawn(jpeg(gradient(1000, 1000))).width == 640
    with pytest.raises(NotShowable, match="too many pixels.* send it as a file"):
        drawn(jpeg(gradient(1000, 1001)))


def words_of(content: bytes, content_type: str) -> str:
    """Why the image is refused, as its owner reads it."""
    with pytest.raises(NotShowable) as refusal:
        drawn(content, content_type)
    return Upload(refusal=str(refusal.value)).why_refused


@pytest.mark.parametrize(
    ("content_type", "content", "most"),
    [
        ("image/jpeg", lambda: jpeg(gradient(3000, 1001)), 3),
        ("image/png", lambda: png(gradient(3000, 1001)), 3),
        ("image/jpeg", lambda: jpeg(gradient(2000, 1001), interlace=True), 2),
        ("image/png", lambda: png(gradient(2000, 1001), interlace=True), 2),
        ("image/webp", lambda: gradient(2000, 1001).webpsave_buffer(effort=0), 2),
        ("image/avif", lambda: gradient(1000, 1001).heifsave_buffer(compression="av1", effort=0), 1),
    ],
    ids=["jpeg", "png", "progressive jpeg", "interlaced png", "webp", "avif"],
)
def test_a_refusal_names_the_pixel_limit_that_was_met(limits, fewer_pixels, content_type, content, most):
    limits(image_megapixels=3)
    fewer_pixels(whole=2, avif=1)
    assert f"can have up to {most} million" in words_of(content(), content_type)


def test_a_lower_limit_of_the_site_is_the_one_named(limits):
    limits(image_megapixels=1)
    assert "can have up to 1 million" in words_of(jpeg(gradient(1000, 1001), interlace=True), "image/jpeg")


def test_a_refusal_states_the_pixel_limit_in_the_owners_language():
    upload = Upload(refusal=with_limit(draw.TOO_LARGE, 12))
    assert "up to 12 million" in upload.why_refused
    with override("es"):
        assert "12 millones" in upload.why_refused
    assert Upload().why_refused == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content_type", "save", "most"),
    [
        ("image/png", lambda picture: png(picture, interlace=True), 25),
        ("image/jpeg", lambda picture: jpeg(picture, interlace=True), 25),
        ("image/gif", lambda picture: picture.gifsave_buffer(effort=1), 25),
        ("image/webp", lambda picture: picture.webpsave_buffer(effort=0), 25),
        ("image/avif", lambda picture: picture.heifsave_buffer(compression="av1", effort=0), 13),
    ],
    ids=["interlaced png", "progressive jpeg", "gif", "webp", "avif"],
)
def test_formats_decoded_whole_may_have_fewer_pixels(caplog, content_type, save, most):
    caplog.set_level("INFO")
    plain = pyvips.Image.black(5000, most * 200, bands=3).copy(interpretation="srgb")
    assert drawn(save(plain), content_type).width in (640, 512)
    with pytest.raises(NotShowable, match="too many pixels"):
        drawn(save(plain.embed(0, 0, 5000, most * 200 + 1)), content_type)
    assert f"too many pixels: 5000 {most * 200 + 1} {most}" in caplog.messages


def test_an_absurdly_long_side_is_refused():
    assert "A side can have up to 65535 pixels." in words_of(png(pyvips.Image.black(65_536, 2)), "image/png")


def test_an_image_that_needs_too_much_memory_is_refused_with_a_reason():
    deep = pyvips.Image.black(5000, 5000, bands=4).cast("ushort").copy(interpretation="rgb16")
    with pytest.raises(NotShowable, match="more time or memory"):
        draw.draw(pieces(png(deep, bitdepth=16, interlace=True)), content_type="image/png")


def test_only_the_header_of_a_pixel_bomb_is_read():
    given = 0

    def endless():
        nonlocal given
        yield pictures.bomb()
        while True:
            given += 1
            yield bytes(65_536)

    with pytest.raises(NotShowable, match="too many pixels"):
        draw.draw(endless(), content_type="image/png")
    assert given < 100
