"""Measure the decoder: in turn with pyvips alone in a process of the same form, and its peak of memory.

python bench/previews.py [--all]

Pyvips alone is Python with pyvips that reads the standard input, makes a thumbnail of the same size, and writes it as
WebP with the same settings; it has no walls and judges nothing. Ours is what a worker runs: a decoder that is forked
from a Python with libvips, behind its walls. With --all, the memory and time of further images. About 5 s.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pyvips
from figures import ROOT, Row, in_turn, ratios, record, spread

sys.path[:0] = [str(ROOT / "services" / "app"), str(ROOT / "tests" / "support")]

from pictures import bomb, gradient, jpeg, measured, pieces, png  # noqa: E402

from mayfly.previews import decoder, running  # noqa: E402

RUNS = 3
DECODER = Path(decoder.__file__)
ENDS = {0: "a preview", 10: "no image", 12: "too heavy"} | dict.fromkeys((11, 13, 14, 15), "too many pixels")
ALONE = f"""
import sys, pyvips
source = pyvips.Source.new_from_descriptor(0)
small = pyvips.Image.thumbnail_source(source, {decoder.SIDE}, height={decoder.SIDE}, size="down")
sys.stdout.buffer.write(small.webpsave_buffer(Q={decoder.WEBP["Q"]}, effort={decoder.WEBP["effort"]}, keep="none"))
"""


def main() -> None:
    for place, name, content_type, content in (
        ("9c", "24 MP JPEG", "image/jpeg", jpeg(noisy(6000, 4000))),
        ("9d", "100 MP PNG", "image/png", png(gradient(10_000, 10_000))),
        ("9e", "1600 x 1200 JPEG", "image/jpeg", jpeg(noisy(1600, 1200))),
    ):
        compare(place, name, content_type, content)
    running.close_idle()
    if "--all" not in sys.argv:
        return
    print(f"{'image':<44}{'MB':>8}{'seconds':>9}{'peak MB':>9}  ends with")
    for name, content_type, content in images():
        costs = [measured(content, content_type) for _ in range(RUNS)]
        seconds, peak = median(cost.seconds for cost in costs), max(cost.megabytes for cost in costs)
        print(f"{name:<44}{len(content) / 1e6:>8.1f}{seconds:>9.2f}{peak:>9.0f}  {ENDS[costs[0].status]}")
        if peak > 300 or seconds > 15:
            raise SystemExit("more than 300 MB or 15 s")


def compare(place: str, name: str, content_type: str, content: bytes) -> None:
    """Ours in turn with pyvips alone: seconds from the order to the preview."""

    def ours() -> float:
        began = time.perf_counter()
        status, output = running.run(
            DECODER, [content_type, "100"], pieces(content, 256 * 1024), programs=[DECODER], seconds=30
        )
        took = time.perf_counter() - began
        if status or b"RIFF" not in output[:20]:
            raise SystemExit(f"no preview: {status}")
        return took

    def alone() -> float:
        began = time.perf_counter()
        command = [sys.executable, "-I", "-c", ALONE]
        subprocess.run(command, input=content, env=running.ENVIRONMENT, stdout=subprocess.PIPE, check=True)
        return time.perf_counter() - began

    ours()  # the first starts the process that forks
    both = in_turn(ours, alone)
    ratio = ratios(both)
    milliseconds = [1000 * median(seconds) for seconds in zip(*both, strict=True)]
    figure = f"{spread(ratio)}; {milliseconds[0]:.0f} to {milliseconds[1]:.0f} ms"
    record(Row(place, f"preview of a {name}", "pyvips alone in a process", figure, "≤ 1.15", median(ratio) <= 1.15))


def images() -> Iterator[tuple[str, str, bytes]]:
    photograph = noisy(6000, 4000)
    yield "24 MP JPEG", "image/jpeg", jpeg(photograph)
    yield "24 MP JPEG, progressive", "image/jpeg", jpeg(photograph, interlace=True)
    yield "24 MP JPEG, progressive, 4:4:4", "image/jpeg", jpeg(photograph, interlace=True, subsample_mode="off")
    yield "24 MP PNG, interlaced", "image/png", png(gradient(6000, 4000), interlace=True)
    yield "24 MP WebP, lossless", "image/webp", gradient(6000, 4000).webpsave_buffer(lossless=True, effort=0)
    yield "24 MP GIF", "image/gif", gradient(6000, 4000).gifsave_buffer(effort=1)
    yield "12 MP AVIF", "image/avif", noisy(4000, 3000).heifsave_buffer(compression="av1", effort=0)
    yield "100 MP JPEG", "image/jpeg", jpeg(noisy(10_000, 10_000))
    yield "100 MP PNG", "image/png", png(gradient(10_000, 10_000))
    yield "100 MP PNG, interlaced", "image/png", png(gradient(10_000, 10_000), interlace=True)
    yield "900 MP PNG of one bit, a bomb", "image/png", bomb()


def noisy(width: int, height: int) -> pyvips.Image:
    """An image that is as hard to encode as a photograph."""
    noise = pyvips.Image.gaussnoise(1000, 1000, sigma=8).replicate(-(-width // 1000), -(-height // 1000))
    return (gradient(width, height) + noise.crop(0, 0, width, height)).cast("uchar").copy(interpretation="srgb")


if __name__ == "__main__":
    main()
