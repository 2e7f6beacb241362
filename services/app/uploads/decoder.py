"""An image into its preview, as a program of its own: decoder.py TYPE MEGAPIXELS < image > preview

Pictures from strangers meet a million lines of C here. So this runs once for each, knows nothing but the picture, may
use only so much time and memory, and may die; `previews.py` starts it and looks at how it ended. It imports nothing
of ours. Ends with 0 and a WebP of at most SIDE pixels on its output, or with a status below and words for the log.

    TYPE         the content type that the first bytes have; no other loader is even tried
    MEGAPIXELS   the most that the picture may have; those that have to be held whole have a lower limit as well
"""

import fcntl
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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
# The longest side: a JPEG's. Some of what libvips keeps are whole rows, and a PNG's row may have 2 billion pixels.
LONGEST = 65_535
# What is decoded row by row takes little memory however large it is. The rest is held whole, in up to 8 bytes for
# each pixel, and 16 in the case of AVIF; these many megapixels fit into LARGE.
MOST_WHOLE, MOST_AVIF = 25, 13
# Private memory. A worker with 512 MB uses some 200 itself: one large picture and a small one fit beside that.
SMALL, LARGE = 112 * MB, 256 * MB
# Up to so many pixels, a picture of any sort fits into SMALL.
FEW_PIXELS = 2_000_000
# The slowest picture within the limits takes 3 s of a processor's time; a slow machine gets three times that.
PROCESSOR_SECONDS = 10
# A preview has 50 KB, and a picture is never written out.
MOST_OUTPUT = 2 * MB


def main() -> int:
    content_type, most = sys.argv[1], int(sys.argv[2])
    restrict()
    try:
        preview = drawn(content_type, most)
    except Refused as refused:
        print(refused)
        return refused.status
    except MemoryError:
        return TOO_HEAVY
    sys.stdout.buffer.write(preview)
    return 0


class Refused(Exception):
    """No preview can be made of it; `status` says why to the parent, `str()` to the log."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def restrict() -> None:
    """Give up what a picture could abuse."""
    # A restart of the worker tells every process; this one is over in a moment, and what it does not end counts
    # against the picture.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)  # removals come first
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # where the container's memory ends all the same, this goes and not the worker


def drawn(content_type: str, most: int) -> bytes:
    """The preview of the picture on the standard input. Raises Refused, MemoryError."""
    limit_memory(LARGE)
    import pyvips  # only now: what it sets up counts as well

    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    pyvips.operation_block_set(LOADERS[content_type], False)
    source = pyvips.Source.new_from_descriptor(sys.stdin.fileno())
    try:
        image = pyvips.Image.new_from_source(source, "", access="sequential")
        with turn(large=check(image, content_type, most)):
            del image
            # As an option of the loader: its own `fail_on` is ignored, https://github.com/libvips/libvips/issues/5195
            small = pyvips.Image.thumbnail_source(
                source, SIDE, height=SIDE, size="down", output_profile="srgb", option_string="fail_on=truncated"
            )
            return small.webpsave_buffer(Q=80, keep="none")
    except pyvips.Error as error:
        # Not one of libvips's many parts has a code for it. A thread that cannot start lacks memory for its stack.
        heavy = "memory" in str(error).lower() or "creating thread" in str(error)
        raise Refused(TOO_HEAVY if heavy else NOT_AN_IMAGE, str(error)) from error


def check(image, content_type: str, most: int) -> bool:
    """Look at the header alone; says whether the picture is a large one. Raises Refused."""
    pixels = image.width * image.height
    interlaced = "interlaced" in image.get_fields() and image.get("interlaced") != 0
    by_row = content_type in ("image/jpeg", "image/png") and not interlaced
    if not by_row:
        most = min(most, MOST_AVIF if content_type == "image/avif" else MOST_WHOLE)
    if pixels > most * MB or max(image.width, image.height) > LONGEST:
        raise Refused(TOO_MANY_PIXELS, f"{image.width} {image.height} {most}")
    # libjpeg makes it smaller while it decodes.
    return pixels > FEW_PIXELS and not (by_row and content_type == "image/jpeg")


@contextmanager
def turn(*, large: bool) -> Iterator[None]:
    """Large pictures take turns within a container, so that two never fill its memory together."""
    if not large:
        limit_memory(SMALL)
        yield
        return
    with open(__file__) as file:  # any file that all of them have; whoever dies lets go of it
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def limit_memory(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


if __name__ == "__main__":
    sys.exit(main())
