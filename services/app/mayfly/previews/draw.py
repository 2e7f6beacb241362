"""Draw a preview: run the decoder on the image, and judge how it ended."""

import logging
import signal
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_noop

from ..uploads.limits import limits
from ..uploads.refusals import with_limit
from ..uploads.visible import visible
from . import decoder, reader
from .running import run

logger = logging.getLogger(__name__)

DECODER = Path(__file__).with_name("decoder.py")
READER = Path(__file__).with_name("reader.py")
# One image may take this long. With BEGIN_SECONDS (make.py) and the storing it stays below Celery's soft limit of 20 s.
IMAGE_SECONDS = 12
# A PDF or a text has half of that, because a large image may wait for it in its own time.
DOCUMENT_SECONDS = 6
# The decoder's own limits end it with these signals; the same image would run into them again.
ITS_LIMITS = {signal.SIGXCPU, signal.SIGABRT, signal.SIGTRAP}
# Stored in English and translated for each visitor (Upload.why_refused), whose language is unknown here.
DAMAGED = gettext_noop(
    "This is not an image we can show: it is damaged, or its end is missing. Send it as a file instead."
)
TOO_LARGE = gettext_noop(
    "This image has too many pixels. Images of its sort can have up to %(limit)d million. Make it smaller, or send it "
    "as a file."
)
LONG = gettext_noop("This image is too long. A side can have up to %(limit)d pixels. Cut it, or send it as a file.")
HEAVY = gettext_noop(
    "This image takes more time or memory to show than we have. Make it smaller, or send it as a file."
)


class NotShowable(Exception):
    """No preview can be made of this image; `str()` gives the reason and a way out, in English for gettext."""


class Interrupted(Exception):
    """The decoder was killed, or ran out of time. The image may be the cause, or the load of the machine."""


class DecoderBroken(Exception):
    """The decoder exited in an unknown way: it does not work on this machine, whatever the image."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A preview as WebP and the number of pixels of its image; or the first lines of a text, which has none."""

    preview: bytes
    pixels: int


def draw(image: Generator[bytes], *, content_type: str) -> Drawn:
    """The preview of the image that these pieces make up: WebP of at most 640 pixels a side, without metadata.

    The decoder reads the pieces as they come and stops when it has seen enough; a pixel bomb is refused by its header.

    Raises:
        NotShowable: it is not an image that we can show, or too large a one.
        Interrupted: the decoder was killed; another attempt may succeed.
        DecoderBroken: the decoder does not work here.
        StorageError: raised by `image`.
    """
    with closing(image):
        content = _branded(image) if content_type == "image/avif" else image
        return _judged(*_run(DECODER, [content_type, str(limits.image_megapixels)], content, IMAGE_SECONDS))


def draw_page(document: Generator[bytes]) -> Drawn:
    """The picture of the first page of a PDF. Raises what `draw` raises."""
    return _judged(*_run(READER, [reader.PDF], document, DOCUMENT_SECONDS))


def read_lines(start: bytes) -> Drawn:
    """The first lines of a text that begins with these bytes, as people may see them. Raises what `draw` raises."""
    status, output = _run(READER, [reader.TEXT], (piece for piece in [start]), DOCUMENT_SECONDS)
    if status:
        raise _failure(status, output)
    lines = output.decode(errors="replace").split("\n")[: reader.LINES]
    return Drawn("\n".join(visible(line[: reader.LINE_LENGTH]) for line in lines).encode(), pixels=0)


def _run(program: Path, arguments: Sequence[str], content: Generator[bytes], seconds: float) -> tuple[int, bytes]:
    return run(program, arguments, content, programs=[DECODER, READER], seconds=seconds)


def _branded(image: Generator[bytes]) -> Generator[bytes]:
    """The image with `avif` as its major brand.

    libvips looks at that one alone, and does not know the brand of animations. One of the brands has proven that the
    image is AVIF, and browsers ask for no more.
    """
    first = next(image, b"")
    yield first[:8] + b"avif" + first[12:]
    yield from image


def _judged(status: int, output: bytes) -> Drawn:
    """The preview, or the error that its absence means. The image may control the decoder's words: log them only."""
    pixels, _, preview = output.partition(b"\n")
    if status == 0 and pixels.isdigit() and preview[:4] == b"RIFF" and preview[8:12] == b"WEBP":
        return Drawn(preview, int(pixels))
    raise _failure(status, output)


def _failure(status: int, output: bytes) -> Exception:
    """The error that a lack of a preview means."""
    words = output[:200].decode(errors="replace").strip()
    if status == decoder.NOT_AN_IMAGE:
        logger.info("not an image: %s", words)
        return NotShowable(DAMAGED)
    exceeded = _exceeded(status)
    if exceeded:
        logger.info("too many pixels: %s", words)
        return NotShowable(exceeded)
    if status == decoder.TOO_HEAVY or -status in ITS_LIMITS:
        logger.info("too heavy: %s %s", status, words)
        return NotShowable(HEAVY)
    if status < 0:
        return Interrupted(f"killed by signal {-status}")
    return DecoderBroken(f"ended with status {status}: {words}")


def _exceeded(status: int) -> str:
    """The refusal for the limit on pixels that the decoder's status stands for; empty for every other status."""
    match status:
        case decoder.TOO_MANY_PIXELS:
            return with_limit(TOO_LARGE, limits.image_megapixels)
        case decoder.TOO_MANY_WHOLE:
            return with_limit(TOO_LARGE, decoder.MOST_WHOLE)
        case decoder.TOO_MANY_AVIF:
            return with_limit(TOO_LARGE, decoder.MOST_AVIF)
        case decoder.TOO_LONG:
            return with_limit(LONG, decoder.LONGEST)
    return ""
