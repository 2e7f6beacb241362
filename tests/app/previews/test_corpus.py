"""Pictures as cameras, phones and editors make them: the decoder can draw them, so no rule of ours refuses them."""

import pytest

from mayfly.previews.draw import NotShowable
from mayfly.uploads.choices import Kind
from mayfly.uploads.content import FIRST_BYTES, content_type_of
from mayfly.uploads.errors import NotAllowed

from ...support.images import drawn
from ...support.pictures import gradient
from ..pictures import HEADS, every_picture, heads

PICTURES = every_picture()
# By how much a preview's bands may differ from the picture's, of 255, on average: lossy formats and printing differ.
TOLERANCE = 12


def test_the_corpus_has_every_sort_that_people_send():
    assert len(PICTURES) >= 80
    shown = [picture for picture in PICTURES.values() if not picture.refusal]
    assert {picture.content_type for picture in shown} == {
        "image/avif",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
    }


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_a_picture_comes_out_as_the_corpus_says(picture):
    if not picture.content_type:
        with pytest.raises(NotAllowed, match=picture.refusal):
            content_type_of(Kind.IMAGE, picture.content[:FIRST_BYTES])
        return
    assert content_type_of(Kind.IMAGE, picture.content[:FIRST_BYTES]) == picture.content_type
    if picture.refusal:
        with pytest.raises(NotShowable, match=picture.refusal):
            drawn(picture.content, picture.content_type)
        return
    preview = drawn(picture.content, picture.content_type)
    assert (preview.width, preview.height) == picture.size
    if picture.alike:
        expected = gradient(*picture.size)
        assert (preview[:3] - expected).abs().avg() < TOLERANCE


def test_the_browser_is_tested_with_the_heads_of_these_pictures():
    """If this fails, run `python -m tests.app.pictures`."""
    assert HEADS.read_text().splitlines() == heads().splitlines()
