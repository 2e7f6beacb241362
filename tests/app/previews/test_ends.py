"""JPEGs whose last bytes are missing: an end marker is no part of the picture, and data is."""

import re

import pytest
import pyvips

from mayfly.previews.draw import NotShowable

from ...support.images import drawn, image, with_preview
from ...support.pictures import gradient, jpeg

END = b"\xff\xd9"


def detailed() -> pyvips.Image:
    """A picture with detail in every block, so that every byte near its end counts."""
    return (
        (gradient(700, 500) * 0.5 + pyvips.Image.gaussnoise(700, 500, seed=1)).cast("uchar").copy(interpretation="srgb")
    )


SORTS = {
    "baseline": jpeg(detailed()),
    "progressive": jpeg(detailed(), interlace=True),
    "with restarts": jpeg(detailed(), restart_interval=4),
    "progressive with restarts": jpeg(detailed(), interlace=True, restart_interval=4),
    "without subsampling": jpeg(detailed(), subsample_mode="off"),
    "grey": jpeg(detailed()[0]),
    "cmyk": jpeg(detailed().icc_transform("cmyk", input_profile="srgb")),
    "smooth": jpeg(gradient(700, 500)),
}
every_sort = pytest.mark.parametrize("content", SORTS.values(), ids=SORTS)


@every_sort
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_marker_is_whole(content, missing):
    assert content.endswith(END)
    cut = drawn(content[:-missing])
    assert (cut - drawn(content)).abs().max() == 0


@every_sort
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_jpeg_that_lacks_data_is_refused(content, kept):
    with pytest.raises(NotShowable, match="its end is missing"):
        drawn(content[: int(len(content) * kept)])


@every_sort
@pytest.mark.parametrize("missing", [10, 100, 1000])
def test_a_jpeg_that_lacks_its_last_data_is_refused(content, missing):
    with pytest.raises(NotShowable, match="its end is missing"):
        drawn(content[:-missing])


def scans_of(content: bytes) -> list[int]:
    """Where each scan after the first begins, with the tables before it."""
    ends = [found.start() for found in re.finditer(rb"\xff[\xc4\xda]", content)]
    return [end for end in ends if end > content.index(b"\xff\xda")]


@pytest.mark.parametrize("sort", ["progressive", "progressive with restarts"])
def test_a_jpeg_that_lacks_whole_scans_is_refused(sort):
    ends = scans_of(SORTS[sort])
    assert len(ends) > 5
    for end in ends:
        with pytest.raises(NotShowable):
            drawn(SORTS[sort][:end])


def test_a_jpeg_that_ends_after_its_header_is_refused():
    content = SORTS["baseline"]
    scan = content.index(b"\xff\xda")
    for end in (2, scan, scan + 2, scan + 14):
        with pytest.raises(NotShowable):
            drawn(content[:end])


def test_bytes_after_the_end_marker_do_no_harm():
    for more in (b"\0", bytes(10_000), b"....ftypmp42" + bytes(5000)):
        assert drawn(SORTS["baseline"] + more).width == 640


@pytest.mark.django_db(transaction=True)
def test_an_upload_without_its_end_marker_has_a_preview(owner):
    upload = with_preview(owner, jpeg()[:-2])
    assert upload.refusal == ""
    assert image(owner, jpeg()[:-2]).content_type == "image/jpeg"
