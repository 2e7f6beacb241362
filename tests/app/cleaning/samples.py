"""The images that cleaning is tried on, and the cleaning of one in memory."""

from mayfly.cleaning import Source, applied, plan, size_after

from ...support.pictures import pieces
from .. import cameras
from ..pictures import every_picture

TURNED = {"image/jpeg": cameras.camera_jpeg, "image/png": cameras.camera_png, "image/webp": cameras.camera_webp}
OTHERS = {"image/avif": cameras.camera_avif, "image/gif": cameras.camera_gif}
EVERY = {content_type: make(6) for content_type, make in TURNED.items()} | {
    content_type: make() for content_type, make in OTHERS.items()
}
CORPUS = {name: picture for name, picture in every_picture().items() if picture.content_type}


def cleaned(content: bytes, content_type: str, size: int = 1000) -> bytes:
    """The image as it is stored, if storage reads it in pieces of this size."""
    edits = plan(content_type, Source(pieces(content, size), len(content)))
    out = b"".join(applied(pieces(content, size), edits))
    assert len(out) == size_after(len(content), edits)
    return out
