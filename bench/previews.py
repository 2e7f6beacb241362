"""Measure the time and the peak of memory that the process takes that draws a preview. Runs about 30 s.

python bench/previews.py
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pyvips

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from pictures import bomb, gradient, jpeg, measured, png  # noqa: E402

RUNS = 3
ENDS = {0: "a preview", 10: "no image", 12: "too heavy"} | dict.fromkeys((11, 13, 14, 15), "too many pixels")


def main() -> None:
    print(f"{'image':<44}{'MB':>8}{'seconds':>9}{'peak MB':>9}  ends with")
    for name, content_type, content in images():
        costs = [measured(content, content_type) for _ in range(RUNS)]
        seconds, peak = median(cost.seconds for cost in costs), max(cost.megabytes for cost in costs)
        print(f"{name:<44}{len(content) / 1e6:>8.1f}{seconds:>9.2f}{peak:>9.0f}  {ENDS[costs[0].status]}")
        if peak > 300 or seconds > 15:
            raise SystemExit("more than 300 MB or 15 s")


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
