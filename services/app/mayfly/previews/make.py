"""Make previews of claimed uploads, and record in the table how each attempt ended."""

import logging
import time
from collections.abc import Iterator

from ..storage.protocol import StorageError, UploadStorage
from ..uploads import lifecycle
from ..uploads.choices import Kind
from ..uploads.content import PDF
from ..uploads.models import Upload
from . import queue
from .draw import HEAVY, DecoderBroken, Drawn, Interrupted, NotShowable, draw, draw_page, read_lines
from .reader import MOST_TEXT

logger = logging.getLogger(__name__)

# Attempts at one image. The first may have met a worker that was stopped, or a container without memory.
MOST_ATTEMPTS = 3
# No image is begun after this many seconds. With IMAGE_SECONDS (draw.py) and the storing it stays below Celery's
# soft limit of 20 s.
BEGIN_SECONDS = 4


def make_due(*, storage: UploadStorage, until: float | None = None) -> int:
    """Make the previews that are due, and return how many were made.

    No image is begun after `until`, by the monotonic clock: usually after BEGIN_SECONDS.
    """
    claimed = _claimed(until=time.monotonic() + BEGIN_SECONDS if until is None else until)
    return sum(make(upload, storage=storage) is not None for upload in claimed)


def make(upload: Upload, *, storage: UploadStorage) -> Drawn | None:
    """Make the preview of a claimed upload, or record in its row that there is none. None if it has none now."""
    try:
        if upload.preview_attempts > MOST_ATTEMPTS:
            raise NotShowable(HEAVY)
        drawn = _draw(upload, storage)
        if queue.keep(upload, drawn.preview, storage=storage):
            return drawn
    except NotShowable as reason:
        if upload.kind == Kind.IMAGE:
            lifecycle.refuse(upload, str(reason), storage=storage)
        else:
            queue.give_up(upload)  # a file stays a file
    except Interrupted as error:
        logger.warning("%s, attempt %d at a preview: %s", upload, upload.preview_attempts, error)
        queue.postpone(upload)
    except (StorageError, DecoderBroken) as error:
        logger.error("%s has no preview yet: %s", upload, error)
        queue.postpone_uncounted(upload)
    return None


def _draw(upload: Upload, storage: UploadStorage) -> Drawn:
    if upload.is_text:
        return read_lines(storage.first_bytes(upload.key, MOST_TEXT))
    content = storage.read(upload.key)
    if upload.proven_type == PDF:
        return draw_page(content)
    return draw(content, content_type=upload.content_type if upload.kind == Kind.IMAGE else upload.proven_type)


def _claimed(*, until: float) -> Iterator[Upload]:
    """Claim one image after another, until none waits or the time is up."""
    while time.monotonic() < until:
        upload = queue.claim_next()
        if upload is None:
            return
        yield upload
