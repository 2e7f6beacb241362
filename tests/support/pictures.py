"""Pictures for tests and benchmarks, in every format that people send, and the cost of decoding them."""

import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyvips

DECODER = Path(__file__).parents[2] / "services" / "app" / "mayfly" / "previews" / "decoder.py"


def gradient(width: int = 1000, height: int = 500) -> pyvips.Image:
    """Red grows from left to right, green from top to bottom."""
    x, y = pyvips.Image.xyz(width, height).bandsplit()
    picture = (x * (255 / width)).bandjoin([y * (255 / height), (x * 0) + 128])
    return picture.cast("uchar").copy(interpretation="srgb")


# libvips adds EXIF of its own, which would be cleaned out again.
BARE = {"keep": "icc"}


def jpeg(picture: pyvips.Image | None = None, **options) -> bytes:
    return (gradient() if picture is None else picture).jpegsave_buffer(**BARE | options)


def png(picture: pyvips.Image | None = None, **options) -> bytes:
    return (gradient() if picture is None else picture).pngsave_buffer(**BARE | {"compression": 1} | options)


def animation(*colours: list[int], save: str) -> bytes:
    """One frame of 100 by 50 pixels for each colour."""
    frames = [(pyvips.Image.black(100, 50, bands=3) + colour).cast("uchar") for colour in colours]
    strip = pyvips.Image.arrayjoin(frames, across=1).copy(interpretation="srgb").copy()
    strip.set_type(pyvips.GValue.gint_type, "page-height", 50)
    return getattr(strip, f"{save}_buffer")()


def every_sort() -> dict[str, tuple[str, bytes]]:
    """By name: the content type and the bytes of a picture of 1000 by 500 pixels that has `gradient`'s colours."""
    picture = gradient()
    deep = (picture.cast("ushort") * 257).copy(interpretation="rgb16")
    alpha = picture.bandjoin((picture[0] * 0 + 255).cast("uchar")).copy(interpretation="srgb")
    avif = picture.heifsave_buffer(compression="av1", effort=0, **BARE)
    return {
        "jpeg": ("image/jpeg", jpeg()),
        "jpeg without its end marker": ("image/jpeg", jpeg()[:-2]),
        "progressive jpeg": ("image/jpeg", jpeg(interlace=True)),
        "cmyk jpeg": ("image/jpeg", jpeg(picture.icc_transform("cmyk", input_profile="srgb"))),
        "png": ("image/png", png()),
        "interlaced png": ("image/png", png(interlace=True)),
        "16-bit png": ("image/png", png(deep, bitdepth=16)),
        "palette png": ("image/png", png(palette=True, colours=256)),
        "png with alpha": ("image/png", png(alpha)),
        "webp": ("image/webp", picture.webpsave_buffer(**BARE)),
        "lossless webp": ("image/webp", picture.webpsave_buffer(lossless=True, **BARE)),
        "gif": ("image/gif", picture.gifsave_buffer()),
        "avif": ("image/avif", avif),
        "avif of a general brand": ("image/avif", avif.replace(b"ftypavif", b"ftypmif1", 1)),
        "10-bit avif": ("image/avif", deep.heifsave_buffer(compression="av1", effort=0, bitdepth=10, **BARE)),
    }


def bomb(megapixels: int = 900) -> bytes:
    """A PNG of one bit a pixel: 100 KB that would become gigabytes."""
    side = int((megapixels * 1_000_000) ** 0.5)
    return pyvips.Image.black(side, side).pngsave_buffer(bitdepth=1, compression=9)


def claiming(width: int, height: int) -> bytes:
    """A small PNG whose header claims this size, checksum and all."""
    small = png(gradient(9, 9))
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + small[24:29]
    return small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one run of the decoder: exit status, seconds by the clock, peak of memory."""

    status: int
    seconds: float
    megabytes: float


def measured(content: bytes, content_type: str, *, most: int = 100) -> Cost:
    """Run the decoder from a small process, because a child's peak of memory begins with its parent's size."""
    code = (
        "import resource, subprocess, sys, time; began = time.monotonic();"
        "status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode;"
        "print(status, time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    command = [sys.executable, "-I", "-c", code, sys.executable, "-I", DECODER, content_type, str(most)]
    environment = {"VIPS_BLOCK_UNTRUSTED": "1", "VIPS_CONCURRENCY": "1", "MALLOC_ARENA_MAX": "1"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        status, seconds, kilobytes = process.communicate(content)[0].split()
    return Cost(int(status), float(seconds), int(kilobytes) / 1000)


def pieces(content: bytes, size: int = 65_536) -> Iterator[bytes]:
    """In pieces, as storage reads an object."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


def opened(preview: bytes) -> pyvips.Image:
    """A preview, decoded as a browser does. Fails if it is not WebP."""
    return pyvips.Image.webpload_buffer(preview)
