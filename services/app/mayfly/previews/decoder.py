"""Turn an image into its preview, as a program of its own: decoder.py TYPE MEGAPIXELS < image > preview

Here, strangers' images meet a million lines of C. So one process serves one image, knows nothing else, has limits on
time and memory, and may die. `draw.py` starts it and judges how it ended; it imports nothing of ours. It exits with 0,
after a line with the image's number of pixels and a WebP of at most SIDE pixels a side, or with a status below, after
words for the log.

    TYPE         the content type that the first bytes prove. No other loader is tried.
    MEGAPIXELS   the most that the image may have. Formats that are held whole in memory have a lower limit as well.
"""

import fcntl
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

SIDE = 640
NOT_AN_IMAGE, TOO_MANY_PIXELS, TOO_HEAVY = 10, 11, 12
LOADERS = {
    "image/jpeg": "VipsForeignLoadJpeg",
    "image/png": "VipsForeignLoadPng",
    "image/webp": "VipsForeignLoadWebp",
    "image/gif": "VipsForeignLoadNsgif",
    "image/avif": "VipsForeignLoadHeif",
}
MB = 1_000_000
# The longest side, that of a JPEG. libvips keeps some whole rows, and a PNG's row may have 2 billion pixels.
LONGEST = 65_535
# Formats that are decoded row by row take little memory at any size. The others are held whole, in up to 8 bytes a
# pixel, or 16 for AVIF; this many megapixels fit into LARGE.
MOST_WHOLE, MOST_AVIF = 25, 13
# Private memory. A worker with 512 MB uses some 200 itself: one large image and a small one fit beside that.
SMALL, LARGE = 112 * MB, 256 * MB
# Up to this many pixels, an image of any format fits into SMALL.
FEW_PIXELS = 2_000_000
# The slowest image within the limits takes 3 s of processor time; a slow machine gets three times that.
PROCESSOR_SECONDS = 10
# A preview has some 50 KB, and the image itself is never written out.
MOST_OUTPUT = 2 * MB


def main() -> int:
    content_type, most = sys.argv[1], int(sys.argv[2])
    restrict()
    try:
        pixels, preview = decode(content_type, most)
    except Refused as refused:
        print(refused)
        return refused.status
    except MemoryError:
        return TOO_HEAVY
    sys.stdout.buffer.write(b"%d\n" % pixels + preview)
    return 0


class Refused(Exception):
    """No preview can be made; `status` says why to the parent, `str()` to the log."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def restrict() -> None:
    """Limit this process to what one image needs."""
    # A worker restart signals every process. Ignore it: we finish in seconds, and being killed would count as a
    # failed attempt.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)  # removals come first
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # if the container runs out of memory all the same, this dies and not the worker


def decode(content_type: str, most: int) -> tuple[int, bytes]:
    """The number of pixels and the preview of the image on the standard input. Raises Refused, MemoryError."""
    limit_memory(LARGE)
    import pyvips  # only now, so that the limit covers its set-up as well

    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    pyvips.operation_block_set(LOADERS[content_type], False)
    source = pyvips.Source.new_from_descriptor(sys.stdin.fileno())
    try:
        image = pyvips.Image.new_from_source(source, "", access="sequential")
        pixels: int = image.width * image.height
        with take_turn(large=is_large(image, content_type, most)):
            del image
            # As an option of the loader, because thumbnail_source ignores its own `fail_on`:
            # https://github.com/libvips/libvips/issues/5195
            small = pyvips.Image.thumbnail_source(
                source, SIDE, height=SIDE, size="down", output_profile="srgb", option_string="fail_on=truncated"
            )
            preview: bytes = small.webpsave_buffer(Q=80, keep="none")
            return pixels, preview
    except pyvips.Error as error:
        # libvips has no code for a lack of memory. A thread that cannot start lacks memory for its stack.
        heavy = "memory" in str(error).lower() or "creating thread" in str(error)
        raise Refused(TOO_HEAVY if heavy else NOT_AN_IMAGE, str(error)) from error


def is_large(image: Any, content_type: str, most: int) -> bool:
    """Whether the image is a large one, by its header alone. Raises Refused if it is too large."""
    pixels = image.width * image.height
    interlaced = "interlaced" in image.get_fields() and image.get("interlaced") != 0
    by_row = content_type in ("image/jpeg", "image/png") and not interlaced
    if not by_row:
        most = min(most, MOST_AVIF if content_type == "image/avif" else MOST_WHOLE)
    if pixels > most * MB or max(image.width, image.height) > LONGEST:
        raise Refused(TOO_MANY_PIXELS, f"{image.width} {image.height} {most}")
    # libjpeg shrinks while it decodes.
    return pixels > FEW_PIXELS and not (by_row and content_type == "image/jpeg")


@contextmanager
def take_turn(*, large: bool) -> Iterator[None]:
    """Wait until no other large image of this container is being decoded, so that two never fill its memory."""
    if not large:
        limit_memory(SMALL)
        yield
        return
    with open(__file__) as file:  # any file common to all decoders; the kernel drops the lock when a process dies
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def limit_memory(size: int) -> None:
    """Let this process have at most `size` bytes of private memory."""
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


if __name__ == "__main__":
    sys.exit(main())
