"""The pages for large text, long names, forced colours, and on paper."""

import pytest
from playwright.sync_api import Page, expect

from .looking import card, evening, no_barrier, sent

LONG = f"begin-{'x' * 200}-end.jpg"
LINES = "element => element.getBoundingClientRect().height / parseFloat(getComputedStyle(element).lineHeight)"


@pytest.fixture
def full(surfer) -> list[dict]:
    """Images of this visitor, the newest with a long name; their page is open on a phone."""
    surfer.open("/images/")
    uploads = [sent(surfer, name, kind="image", content=evening(hue)) for hue, name in enumerate(("a.jpg", LONG))]
    page = surfer.open("/images/")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".picture img")).to_have_count(2, timeout=30_000)
    return uploads


def width(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth")


def test_text_of_twice_the_size_fits_a_phone(surfer, full):
    page = surfer.page
    for address in ("/images/", "/files/", full[1]["link"]):
        page.goto(address if "://" in address else f"{full[1]['link'].partition('/u/')[0]}{address}")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert width(page) <= 390
        for button in page.locator(
            "header a:visible, article a:visible, article button:visible, #uploads button:visible"
        ).all():
            box = button.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390


def test_a_long_name_takes_three_lines_and_opens_on_demand(surfer, full):
    page = surfer.page
    name = card(page, LONG).locator("h3 bdi")
    assert name.inner_text().startswith("begin-")
    assert name.evaluate(LINES) < 3.5
    expect(name).to_have_attribute("title", LONG)
    expect(name).to_be_visible()
    page.goto(full[1]["link"])
    name = page.locator("h1 bdi")
    assert name.evaluate(LINES) < 3.5
    expect(page.get_by_role("link", name="Download")).to_be_in_viewport()
    name.click()
    assert name.evaluate(LINES) > 5
    expect(name).to_have_text(LONG)
    no_barrier(page)


def test_forced_colours_keep_frames_and_the_current_page(surfer, full):
    page = surfer.page
    page.emulate_media(forced_colors="active")
    for button in page.locator("#uploads button:visible").all():
        assert button.evaluate("button => getComputedStyle(button).borderTopStyle") == "solid"
    current = page.get_by_role("link", name="My Images")
    assert "underline" in current.evaluate("link => getComputedStyle(link).textDecorationLine")
    other = page.get_by_role("link", name="My Files")
    assert "underline" not in other.evaluate("link => getComputedStyle(link).textDecorationLine")


def test_paper_shows_name_picture_code_and_end(surfer, full):
    page = surfer.page
    page.emulate_media(media="print")
    expect(card(page, "a.jpg").locator("img").first).to_be_visible()
    expect(page.locator(".facts").get_by_text("until").first).to_be_visible()
    for gone in ("form", "nav", "footer", "#clear"):
        expect(page.locator(gone).first).to_be_hidden()
    page.emulate_media(media="screen")
    page.goto(full[0]["link"])
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    code = page.get_by_role("img", name="QR code for this link")
    expect(code).to_be_visible()
    assert code.evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 0
    expect(page.get_by_role("heading", name="a.jpg")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
