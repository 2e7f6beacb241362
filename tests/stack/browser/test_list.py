"""The list of uploads keeps up: uploads that end together, other tabs, and a tab that was hidden."""

from playwright.sync_api import Page, Route, expect

from ..conftest import URL
from .conftest import Surfer


def hold_reads(page: Page) -> list[Route]:
    """Hold back what the server answers to reads of the list; returns the reads, for the test to let go."""
    held: list[Route] = []
    page.route(
        f"{URL}/files/", lambda route: held.append(route) if route.request.method == "GET" else route.continue_()
    )
    return held


def test_uploads_that_end_during_a_read_are_listed(surfer, make):
    page = surfer.open("/files/")
    held = hold_reads(page)
    surfer.upload(make("a.txt", 10))
    surfer.until(lambda: held)
    answer = held[0].fetch()  # it lists one file, and comes after the second has turned ready
    surfer.upload(make("b.txt", 10))
    surfer.until(lambda: len(surfer.seen()) == 2)
    held[0].fulfill(response=answer)
    surfer.until(lambda: len(held) == 2)
    held[1].continue_()
    surfer.see("a.txt")
    surfer.see("b.txt")
    page.wait_for_timeout(500)
    assert len(held) == 2


def test_ten_uploads_sent_together_are_all_listed(surfer, make):
    surfer.open("/files/")
    surfer.separate_links()
    names = [f"{number}.txt" for number in range(10)]
    surfer.upload(*(make(name, 10) for name in names))
    for name in names:
        surfer.see(name)


def test_a_read_that_failed_is_repeated(surfer, make):
    page = surfer.open("/files/")
    held = hold_reads(page)
    surfer.upload(make("a.txt", 10))
    surfer.until(lambda: held)
    held[0].fulfill(status=503)
    surfer.until(lambda: len(held) == 2)
    held[1].continue_()
    surfer.see("a.txt")


def test_another_tab_shows_what_comes_and_goes(surfer, make):
    other = surfer.open("/files/", page=surfer.tab())
    page = surfer.open("/files/", page=surfer.tab())
    surfer.upload(make("a.txt", 10))
    surfer.see("a.txt")
    expect(other.get_by_role("link", name="a.txt", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete a.txt").click()
    expect(other.get_by_text("No files yet")).to_be_visible()


def test_a_hidden_tab_that_comes_to_the_front_reads_the_list(surfer):
    page = surfer.open("/files/")
    page.evaluate("Object.defineProperty(document, 'visibilityState', {get: () => window.shown, configurable: true})")
    upload_elsewhere(surfer)
    page.evaluate("window.shown = 'hidden'; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    expect(page.get_by_role("link", name="elsewhere.txt", exact=True)).to_have_count(0)
    page.evaluate("window.shown = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("link", name="elsewhere.txt", exact=True)).to_be_visible()


def upload_elsewhere(surfer: Surfer) -> None:
    """Put a file into this browser's box without its page."""
    answer = surfer.context.request.post(
        f"{URL}/files/",
        headers=surfer.csrf(),
        multipart={"file": {"name": "elsewhere.txt", "mimeType": "text/plain", "buffer": b"hello"}},
    )
    assert answer.ok


def test_a_message_stays_while_the_list_is_read_again(surfer, make):
    page = surfer.open("/files/")
    surfer.separate_links()
    surfer.upload(make("a.txt", 10), make("b.txt", 10))
    surfer.see("a.txt")
    surfer.see("b.txt")
    page.get_by_role("button", name="Delete a.txt").click()
    expect(page.get_by_text("a.txt deleted.")).to_be_visible()
    with page.expect_response(f"{URL}/files/"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    expect(page.get_by_text("a.txt deleted.")).to_be_visible()


def test_a_list_that_is_read_during_a_press_loses_no_click(surfer, make):
    page = surfer.open("/files/")
    surfer.upload(make("a.txt", 10))
    surfer.see("a.txt")
    button = page.get_by_role("button", name="Delete a.txt")
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    with page.expect_response(f"{URL}/files/"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    page.mouse.up()
    expect(page.get_by_text("a.txt deleted.")).to_be_visible()
    upload_elsewhere(surfer)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    surfer.see("elsewhere.txt")  # the list is read again after the press
