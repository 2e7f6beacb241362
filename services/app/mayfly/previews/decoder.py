"""Turn an image into its preview, as a program of its own: decoder.py TYPE MEGAPIXELS < image > preview

Here, strangers' images meet a million lines of C. So one process serves one image, knows nothing else, has limits on
time and memory, and may die. Before it reads the image it gives up all that it does not need for computing, so that an
image which takes the process over finds no file, no network and no other process. `draw.py` starts it and judges how it
ended; it imports nothing of ours. It exits with 0, after a line with the image's number of pixels and a WebP of at most
SIDE pixels a side, or with a status below, after words for the log.

    TYPE         the content type that the first bytes prove. No other loader is tried.
    MEGAPIXELS   the most that the image may have. Formats that are held whole in memory have a lower limit as well.
"""

import fcntl
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import IO, Any

SIDE = 640
NOT_AN_IMAGE, TOO_MANY_PIXELS, TOO_HEAVY, TOO_MANY_WHOLE, TOO_MANY_AVIF, TOO_LONG = 10, 11, 12, 13, 14, 15
# An effort of 4, libwebp's own choice, takes three times as long and saves less than a tenth of the bytes.
WEBP = {"Q": 80, "effort": 2, "keep": "none"}
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
END_OF_JPEG = b"\xff\xd9"
# The segments of a JPEG (ITU T.81, table B.1) that matter here: the frame, which lists the components, and a scan.
FRAMES, SCAN = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}, 0xDA
MARKER = re.compile(rb"\xff[\x01-\xcf\xd9-\xfe]")

# Loaded by its path, because a program in isolation finds no module beside it, and a folder with a `queue` must not be
# searched.
walls = ModuleType("walls")
SourceFileLoader(walls.__name__, str(Path(__file__).with_name("walls.py"))).exec_module(walls)


def main() -> int:
    content_type, most = sys.argv[1], int(sys.argv[2])
    walls.restrict()
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


def decode(content_type: str, most: int) -> tuple[int, bytes]:
    """The number of pixels and the preview of the image on the standard input. Raises Refused, MemoryError."""
    walls.limit_memory(LARGE)
    import pyvips  # only now, so that the limit covers its set-up as well

    pyvips.cache_set_max(0)
    pyvips.operation_block_set("VipsForeignLoad", True)
    pyvips.operation_block_set(LOADERS[content_type], False)
    source = JpegSource(pyvips) if content_type == "image/jpeg" else PlainSource(pyvips)
    # Any file common to all decoders serves as their lock; the kernel drops the lock when a process dies.
    with open(__file__) as lock:
        walls.only_compute()
        return shrink(pyvips, source, lock, content_type, most)


class PlainSource:
    """The standard input as libvips reads it."""

    def __init__(self, pyvips: Any):
        self.stream = pyvips.Source.new_from_descriptor(sys.stdin.fileno())

    def check(self) -> None:
        """Raise Refused if the image that was decoded lacks a part of its data."""


class JpegSource:
    """The standard input with an end marker after its last byte.

    A JPEG that lacks nothing but its marker is whole, and browsers show it. So the decoder gets a marker if it still
    reads when the bytes are over. Then any warning of the decoder counts as missing data, since the first one hides
    those that follow; and all scans must have come, because the decoder takes fewer of them for a coarser picture.
    """

    def __init__(self, pyvips: Any):
        self._pyvips, self._marker_was_given, self._scans = pyvips, False, Scans()
        self.stream = pyvips.SourceCustom()
        self.stream.on_read(self._read)

    def check(self) -> None:
        """Raise Refused if the image that was decoded lacks a part of its data."""
        # libvips keeps the decoder's warnings with its errors, and a new Error takes them from there.
        warnings = self._pyvips.Error("").detail
        if self._marker_was_given and (warnings or self._scans.are_missing()):
            raise Refused(NOT_AN_IMAGE, warnings or "scans are missing")

    def _read(self, size: int) -> bytes:
        content = os.read(sys.stdin.fileno(), size)
        self._scans.feed(content)
        if content or self._marker_was_given:
            return content
        self._marker_was_given = True
        return END_OF_JPEG


class Scans:
    """Follows the segments of a JPEG while its bytes come, and notes which coefficients the scans have brought."""

    def __init__(self) -> None:
        self._buffer, self._in_segment = b"", False
        # By component: a bit for each of the 64 coefficients of a block that has not come to its last bit.
        self._missing: dict[int, int] = {}

    def are_missing(self) -> bool:
        return any(self._missing.values())

    def feed(self, content: bytes) -> None:
        """Take the next bytes."""
        self._buffer += content
        while self._find() and len(self._buffer) >= 4:
            size = 2 + int.from_bytes(self._buffer[2:4])
            if len(self._buffer) < size:
                return
            self._note(self._buffer[1], self._buffer[4:size])
            self._buffer, self._in_segment = self._buffer[size:], False

    def _find(self) -> bool:
        """Pass over the data of a scan, up to the next segment."""
        marker = None if self._in_segment else MARKER.search(self._buffer)
        if marker:
            self._buffer, self._in_segment = self._buffer[marker.start() :], True
        elif not self._in_segment:
            self._buffer = self._buffer[-1:]
        return self._in_segment

    def _note(self, kind: int, segment: bytes) -> None:
        if kind in FRAMES:
            self._missing = dict.fromkeys(segment[6::3], 2**64 - 1)
        elif kind == SCAN and segment and len(segment) == 4 + 2 * segment[0]:
            first, last, bits = segment[-3:]
            brought = 0 if bits & 15 else 2 ** (last + 1) - 2**first
            for component in segment[1:-3:2]:
                self._missing[component] = self._missing.get(component, 0) & ~brought


Source = PlainSource | JpegSource


def shrink(pyvips: Any, source: Source, lock: IO[str], content_type: str, most: int) -> tuple[int, bytes]:
    """As `decode`, for an image of which nothing has been read yet."""
    try:
        image = pyvips.Image.new_from_source(source.stream, "", access="sequential")
        pixels: int = image.width * image.height
        converted = needs_conversion(image)
        with take_turn(lock, large=is_large(image, content_type, most)):
            del image
            # As an option of the loader, because thumbnail_source ignores its own `fail_on`:
            # https://github.com/libvips/libvips/issues/5195
            small = pyvips.Image.thumbnail_source(
                source.stream,
                SIDE,
                height=SIDE,
                size="down",
                option_string="fail_on=truncated",
                **({"output_profile": "srgb"} if converted else {}),
            )
            preview: bytes = small.webpsave_buffer(**WEBP)
            source.check()
            return pixels, preview
    except pyvips.Error as error:
        # libvips has no code for a lack of memory. A thread that cannot start lacks memory for its stack.
        heavy = "memory" in str(error).lower() or "creating thread" in str(error)
        raise Refused(TOO_HEAVY if heavy else NOT_AN_IMAGE, str(error)) from error


def needs_conversion(image: Any) -> bool:
    """Whether the colours must be converted to sRGB, which takes most of the time: those without a profile are sRGB."""
    return "icc-profile-data" in image.get_fields() or image.interpretation not in ("srgb", "b-w")


def is_large(image: Any, content_type: str, most: int) -> bool:
    """Whether the image is a large one, by its header alone. Raises Refused if it is too large."""
    pixels = image.width * image.height
    interlaced = "interlaced" in image.get_fields() and image.get("interlaced") != 0
    by_row = content_type in ("image/jpeg", "image/png") and not interlaced
    limits = [(most, TOO_MANY_PIXELS)]
    if not by_row:
        limits.append((MOST_AVIF, TOO_MANY_AVIF) if content_type == "image/avif" else (MOST_WHOLE, TOO_MANY_WHOLE))
    lowest, status = min(limits)
    if pixels > lowest * MB:
        raise Refused(status, f"{image.width} {image.height} {lowest}")
    if max(image.width, image.height) > LONGEST:
        raise Refused(TOO_LONG, f"{image.width} {image.height} {LONGEST}")
    # libjpeg shrinks while it decodes.
    return pixels > FEW_PIXELS and not (by_row and content_type == "image/jpeg")


@contextmanager
def take_turn(lock: IO[str], *, large: bool) -> Iterator[None]:
    """Wait until no other large image of this container is being decoded, so that two never fill its memory."""
    if large:
        fcntl.flock(lock, fcntl.LOCK_EX)
    else:
        walls.limit_memory(SMALL)
    yield


if __name__ == "__main__":
    sys.exit(main())
