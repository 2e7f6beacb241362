"""Previews have the shape, the colours and the first frame of their image."""

import pytest
import pyvips

from ...support import pictures
from ...support.images import drawn
from ...support.pictures import gradient, jpeg, png

SORTS = pictures.every_sort()


def colour(picture: pyvips.Image, x: int, y: int) -> list[float]:
    return picture.getpoint(x, y)[:3]


@pytest.mark.parametrize("sort", SORTS)
def test_a_preview_keeps_the_shape_and_colours_of_every_format(sort):
    content_type, content = SORTS[sort]
    preview = drawn(content, content_type)
    assert (preview.width, preview.height) == (640, 320)
    assert preview.interpretation == "srgb"
    for x, y in ((40, 40), (600, 40), (320, 160), (600, 280)):
        expected = [x / 640 * 255, y / 320 * 255, 128]
        # CMYK has no colours as bright as these, and a palette has 256.
        tolerance = 90 if sort == "cmyk jpeg" else 25
        assert colour(preview, x, y) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((2000, 1000), (640, 320)), ((300, 900), (213, 640)), ((640, 640), (640, 640)), ((20, 10), (20, 10))],
)
def test_a_previews_sides_are_at_most_640_pixels_and_never_enlarged(size, expected):
    preview = drawn(jpeg(gradient(*size)))
    assert (preview.width, preview.height) == expected


def test_a_preview_keeps_transparency():
    clear = gradient().bandjoin((gradient()[0] * 0).cast("uchar")).copy(interpretation="srgb")
    preview = drawn(png(clear), "image/png")
    assert preview.hasalpha()
    assert preview.getpoint(100, 100)[3] == 0


@pytest.mark.parametrize(("orientation", "corner"), [(1, [0, 0]), (3, [255, 255]), (6, [0, 255]), (8, [255, 0])])
def test_a_preview_follows_the_cameras_orientation(orientation, corner):
    picture = gradient().copy()
    picture.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    preview = drawn(jpeg(picture, Q=95, keep="all"))
    assert (preview.width, preview.height) == ((320, 640) if orientation in (6, 8) else (640, 320))
    assert colour(preview, 2, 2)[:2] == pytest.approx(corner, abs=25)


@pytest.mark.parametrize("save", ["gifsave", "webpsave"])
def test_a_preview_shows_the_first_frame_of_an_animation(save):
    content = pictures.animation([200, 0, 0], [0, 200, 0], [0, 0, 200], save=save)
    preview = drawn(content, f"image/{save.removesuffix('save')}")
    assert (preview.width, preview.height) == (100, 50)
    assert preview.get_n_pages() == 1
    assert colour(preview, 50, 25) == pytest.approx([200, 0, 0], abs=25)


def test_a_preview_converts_other_colour_profiles_to_srgb():
    wide = gradient().icc_transform("p3", input_profile="srgb")
    assert wide.getpoint(990, 5)[0] < 240  # the same red has a smaller number in the wider profile
    preview = drawn(jpeg(wide, profile="p3", Q=95))
    assert colour(preview, 634, 3) == pytest.approx([253, 3, 128], abs=12)
