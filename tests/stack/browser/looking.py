"""Help for the tests of the pages: uploads that are there already, barriers and pictures."""

from pathlib import Path

import httpx
import pyvips
from playwright.sync_api import Page

from ..conftest import URL
from .conftest import Surfer

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / "services/assets/node_modules/axe-core/axe.min.js"
# People and CI look at these pictures.
SHOTS = ROOT / ".run/shots"
WIDTHS = {390: 844, 1280: 900}


def sent(surfer: Surfer, name: str, *, kind: str = "file", content: bytes = b"hello", **more) -> dict:
    """An upload in this browser's box, sent by another program with the same box."""
    box = next(cookie["value"] for cookie in surfer.context.cookies() if cookie["name"] == "box")
    with httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {box}"}) as api:
        upload = api.post("/api/uploads", json={"kind": kind, "name": name, "size": len(content)} | more).json()
        [part] = api.post(f"/api/uploads/{upload['id']}/parts", json={"numbers": [1]}).json()["parts"]
        assert httpx.put(part["url"], content=content).status_code == 200
        return api.post(f"/api/uploads/{upload['id']}/complete").raise_for_status().json()


def evening(hue: int) -> bytes:
    """A picture for the eye: the sun above water, in one of three lights."""
    sky = [(242, 171, 80), (120, 160, 190), (150, 110, 170)][hue % 3]
    down = pyvips.Image.xyz(1200, 900)[1] / 900
    picture = (down * -0.55 + 1.1).bandjoin([down * -0.4 + 0.95, down * -0.2 + 0.8]) * list(sky)
    picture = picture.cast("uchar").copy(interpretation="srgb")
    sun, water = [255, 246, 214], [sky[0] // 3, sky[1] // 3, sky[2] // 2]
    picture = picture.draw_circle(sun, 380 + 220 * (hue % 3), 420, 120, fill=True)
    return picture.draw_rect(water, 0, 560, 1200, 340, fill=True).jpegsave_buffer(Q=85)


def stays(page: Page) -> None:
    """Mark this page, so that `stayed` notices a reload."""
    page.evaluate("window.same = true")


def stayed(page: Page) -> bool:
    return page.evaluate("window.same === true")


def card(page: Page, name: str):
    return page.locator("[id^=upload-]", has_text=name)


def no_barrier(page: Page) -> None:
    """Check that axe finds nothing. The debugger loads it, because the policy does not apply to the debugger."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(results => results.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
    assert found == [], found


def looked_at(page: Page, name: str) -> None:
    """Check barriers and sideways scrolling at both widths, in light and dark, and keep a picture of each."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            no_barrier(page)
            page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
