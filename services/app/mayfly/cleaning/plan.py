"""Which walk a type of image has."""

from . import avif, gif, jpeg, png, webp
from .edits import Edit
from .source import Source

WALKS = {
    "image/avif": avif.walk,
    "image/gif": gif.walk,
    "image/jpeg": jpeg.walk,
    "image/png": png.walk,
    "image/webp": webp.walk,
}


def plan(content_type: str, source: Source) -> list[Edit]:
    """The edits that take out of an image what its picture does not need; none if it has nothing of that.

    An image that is cut off is no error here: what is there of it is cleaned.

    Raises:
        Unreadable: it is not built as its format says.
        NotAtHand: the source ends before the walk does.
    """
    return WALKS[content_type](source)
