"""Images into their previews, each in a process of its own (`decoder.py`), with what strangers may send in mind.

An image waits in the table, not in the queue: `lifecycle.claim_preview` gives each to one worker at a time. So nothing
is lost with Redis or a worker, and one that kills its worker is tried MOST_ATTEMPTS times and then refused.
"""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer

from django.utils.translation import gettext_noop

from . import lifecycle, policy
from .decoder import MOST_OUTPUT, NOT_AN_IMAGE, TOO_HEAVY, TOO_MANY_PIXELS
from .models import Upload
from .storage.protocol import StorageError, UploadStorage

logger = logging.getLogger(__name__)

DECODER = Path(__file__).with_name("decoder.py")
# Attempts at one image. The first may have met a worker that was stopped, or a container without memory.
MOST_ATTEMPTS = 3
# Together with what storing the preview takes they stay below Celery's soft limit of 20 s: in so many seconds another
# image is begun, and in so many each has to be done.
BEGIN_SECONDS = 4
IMAGE_SECONDS = 12
# Nothing of ours but these goes into the decoder's environment, above all no password.
ENVIRONMENT = {
    "VIPS_BLOCK_UNTRUSTED": "1",  # loaders that libvips's authors would not let strangers near
    "VIPS_CONCURRENCY": "1",  # two threads gain a tenth of the time, and take memory
    "MALLOC_ARENA_MAX": "1",  # so that memory given back is used again
}
# The signals that the decoder's own limits end it with; the same picture would meet them again.
ITS_LIMITS = {signal.SIGXCPU, signal.SIGABRT, signal.SIGTRAP}
# Kept as they are; whoever asks gets them in their own language (Upload.why_refused), which nobody knows here.
DAMAGED = gettext_noop(
    "This is not an image we can show: it is damaged, or its end is missing. Send it as a file instead."
)
TOO_LARGE = gettext_noop(
    "This image has too many pixels. %(megapixels)d million can be shown, of some sorts fewer. Make it smaller, or "
    "send it as a file."
)
HEAVY = gettext_noop(
    "This image takes more time or memory to show than we have. Make it smaller, or send it as a file."
)


class NotShowable(Exception):
    """No preview can be made of this image; `str()` tells its owner why, and what to do."""


class Interrupted(Exception):
    """The decoder was killed, or had not enough time. It may have been the picture, or what else was going on."""


class DecoderBroken(Exception):
    """The decoder ended as none of ours does: it does not run here, whatever the picture."""


def make_due(*, storage: UploadStorage) -> int:
    """Make the previews that are due, for BEGIN_SECONDS at most; returns how many. The next call makes the rest."""
    made, began = 0, time.monotonic()
    while time.monotonic() - began < BEGIN_SECONDS and (upload := lifecycle.claim_preview()):
        made += make(upload, storage=storage)
    return made


def make(upload: Upload, *, storage: UploadStorage) -> bool:
    """Make the preview of a claimed image, or say in its row what has become of it. True where it has one now."""
    try:
        if upload.preview_attempts > MOST_ATTEMPTS:
            raise NotShowable(HEAVY)
        preview = drawn(storage.read(upload.key), content_type=upload.content_type)
        return lifecycle.keep_preview(upload, preview, storage=storage)
    except NotShowable as reason:
        lifecycle.refuse(upload, str(reason), storage=storage)
    except Interrupted as error:
        logger.warning("%s, attempt %d at a preview: %s", upload, upload.preview_attempts, error)
        lifecycle.postpone_preview(upload, counts=True)
    except (StorageError, DecoderBroken) as error:
        logger.error("%s has no preview yet: %s", upload, error)
        lifecycle.postpone_preview(upload, counts=False)
    return False


def drawn(image: Generator[bytes], *, content_type: str) -> bytes:
    """The preview of the image that these pieces make: WebP of at most 640 pixels a side, without metadata.

    The decoder reads the pieces as they come and stops when it has seen enough: of a pixel bomb it reads the header.

    Raises:
        NotShowable: it is no image that we can show, or too large a one.
        Interrupted: the decoder was killed; another attempt may do.
        DecoderBroken: the decoder does not work here.
        StorageError: as `image` raises it.
    """
    with TemporaryFile() as output, closing(image):
        decoder = subprocess.Popen(
            [sys.executable, "-I", DECODER, content_type, str(policy.limits.image_megapixels)],
            stdin=subprocess.PIPE,
            stdout=output,  # a file, since nobody reads a pipe while the picture is written
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
            cwd="/",
        )
        timer = Timer(IMAGE_SECONDS, decoder.kill)
        timer.start()
        try:
            with suppress(BrokenPipeError), decoder.stdin:
                for piece in image:
                    decoder.stdin.write(piece)
            status = decoder.wait()
        finally:
            timer.cancel()
            decoder.kill()
            decoder.wait()
        output.seek(0)
        return _judged(status, output.read(MOST_OUTPUT))


def _judged(status: int, output: bytes) -> bytes:
    """The preview, or what its absence means. The decoder's word is not relied on: it has met the picture."""
    if status == 0 and output[:4] == b"RIFF" and output[8:12] == b"WEBP":
        return output
    words = output[:200].decode(errors="replace").strip()
    if status == NOT_AN_IMAGE:
        logger.info("not an image: %s", words)
        raise NotShowable(DAMAGED)
    if status == TOO_MANY_PIXELS:
        logger.info("too many pixels: %s", words)
        raise NotShowable(TOO_LARGE)
    if status == TOO_HEAVY or -status in ITS_LIMITS:
        logger.info("too heavy: %s %s", status, words)
        raise NotShowable(HEAVY)
    if status < 0:
        raise Interrupted(f"killed by signal {-status}")
    raise DecoderBroken(f"ended with status {status}: {words}")
