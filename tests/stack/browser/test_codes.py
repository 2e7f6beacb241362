"""The ways to another device: a QR code on every card, and four words."""

from playwright.sync_api import expect

from ..conftest import URL
from .conftest import visit
from .looking import card, looked_at, no_barrier, sent


def test_a_qr_code_loads_when_its_card_is_opened_and_stays_open(surfer):
    surfer.open("/files/")
    for name in ("first.txt", "second.txt", "third.txt"):
        sent(surfer, name)
    asked = []
    page = surfer.page
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/qr.svg") else None)
    surfer.open("/files/")
    fold = card(page, "first.txt").locator("details.qr")
    expect(fold.locator("img")).to_be_hidden()
    assert asked == []
    fold.locator("summary").click()
    image = fold.get_by_role("img", name="QR code for this link")
    expect(image).to_be_visible()
    surfer.until(lambda: image.evaluate("image => image.naturalWidth > 0"))
    assert len(asked) == 1
    sent(surfer, "fourth.txt")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when the tab comes to the front
    surfer.see("fourth.txt")
    expect(card(page, "first.txt").get_by_role("img", name="QR code for this link")).to_be_visible()
    no_barrier(page)


def test_the_words_open_an_upload_in_another_browser(surfer, browser):
    surfer.open("/files/")
    upload = sent(surfer, "notes.txt")
    page = surfer.open("/files/")
    page.locator("details.qr summary").click()
    words = page.locator(".words").inner_text()
    assert words == upload["code"].replace("-", " ")
    with visit(browser, locale="es", java_script_enabled=False) as other:
        there = other.tab()
        there.goto(f"{URL}/code/")
        field = there.get_by_role("textbox")
        field.fill("x" + words)
        field.press("Enter")
        expect(there.locator(".errorlist")).to_contain_text(words.split()[0])
        field.fill(f"  {words.upper()}")
        there.get_by_role("button", name="Abrir").click()
        expect(there.get_by_role("heading", name="notes.txt")).to_be_visible()
        expect(there.locator(".words")).to_have_count(0)


def test_the_form_for_a_code_has_no_barrier(surfer):
    page = surfer.tab()
    page.goto(f"{URL}/code/")
    looked_at(page, "code")
    page.get_by_role("textbox").fill("ambre road tulip moon")
    page.get_by_role("button", name="Open").click()
    expect(page.locator(".errorlist")).to_contain_text("Do you mean amber?")
    looked_at(page, "code-wrong")
