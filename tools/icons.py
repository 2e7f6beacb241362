"""Draw the icons of the installed app from mayfly.svg, beside it: `bin/icons`.

Systems that install a web app take PNG files only. They are committed, so that no build needs to draw them.
"""

from typing import NamedTuple

import pyvips

from .paths import APP
from .processes import call

FOLDER = APP / "mayfly" / "pages" / "static" / "mayfly"
SOURCE = FOLDER / "mayfly.svg"
PAPER = [0xFB, 0xF7, 0xEF]  # the background of the pages in the light scheme


class Icon(NamedTuple):
    """An icon's width and height in pixels, the share of them that the drawing fills, and whether it is on paper."""

    size: int
    share: float
    on_paper: bool


ICONS = {
    "icon-32.png": Icon(32, 1, on_paper=False),
    "icon-192.png": Icon(192, 0.9, on_paper=False),
    "icon-512.png": Icon(512, 0.9, on_paper=False),
    # A system cuts a shape of its own out of it. The circle that every shape leaves has 80 % of the width, and 56 % is
    # the square in that circle: https://w3c.github.io/manifest/#icon-masks
    "icon-maskable-512.png": Icon(512, 0.56, on_paper=True),
    # iOS shows what is transparent as black.
    "apple-touch-icon.png": Icon(180, 0.76, on_paper=True),
}


def main() -> None:
    for name, icon in ICONS.items():
        draw(icon).pngsave(str(FOLDER / name), compression=9, strip=True)


def draw(icon: Icon) -> pyvips.Image:
    """The drawing in the middle of a square."""
    inner = round(icon.size * icon.share)
    margin = (icon.size - inner) // 2
    drawing = pyvips.Image.svgload(str(SOURCE), scale=inner / 32)
    whole = drawing.embed(margin, margin, icon.size, icon.size)
    return whole.flatten(background=PAPER) if icon.on_paper else whole


if __name__ == "__main__":
    call(main)
