"""The cards of a list: the link of what has just come, the keyboard, the messages, and the time that is left."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.samples import PNG

from ..conftest import URL
from .conftest import visit
from .looking import card, evening, looked_at, no_barrier, sent, stayed, stays

FILLED = "button => getComputedStyle(button).backgroundColor !== 'rgba(0, 0, 0, 0)'"
# A phone's own share sheet, which a browser without a screen lacks.
SHEET = "navigator.share = async (data) => { window.shared = data; }"


def filled(page: Page) -> list[str]:
    """The filled buttons of the list, by their names."""
    buttons = page.locator("#uploads").locator("button:visible, .button:visible").all()
    return [button.get_attribute("aria-label") or button.inner_text() for button in buttons if button.evaluate(FILLED)]


# the link of what has just come


def test_the_link_of_a_ready_upload_is_the_next_step(surfer, make):
    surfer.open("/files/")
    for number in range(4):
        sent(surfer, f"{number}.txt")
    page = surfer.open("/files/")
    page.set_viewport_size({"width": 390, "height": 700})
    surfer.upload(make("film.mp4", 1000))
    copy = page.get_by_role("button", name="Copy link: film.mp4")
    expect(copy).to_be_focused()
    expect(copy).to_be_in_viewport()
    assert filled(page) == ["Copy link: film.mp4"]


def test_a_phone_offers_its_share_sheet_first(browser, make):
    with visit(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True) as surfer:
        surfer.context.add_init_script(SHEET)
        page = surfer.open("/images/")
        surfer.upload(make("evening.jpg", evening(0)))
        share = page.get_by_role("button", name="Share: evening.jpg")
        expect(share).to_be_focused()
        expect(share).to_be_in_viewport()
        assert filled(page) == ["Share: evening.jpg"]
        expect(page.get_by_role("button", name="Copy link: evening.jpg")).to_be_visible()
        share.tap()
        assert page.evaluate("window.shared.url") == surfer.uploads("image")[0]["link"]


def test_a_visitor_who_writes_is_not_interrupted(surfer):
    page = surfer.open("/files/")
    page.locator("#id_title").focus()
    upload = sent(surfer, "a.txt")
    page.evaluate(
        "id => document.dispatchEvent(new CustomEvent('mayfly:ready', {detail: {id}, cancelable: true}))", upload["id"]
    )
    surfer.see("a.txt")
    page.wait_for_timeout(500)
    expect(page.locator("#id_title")).to_be_focused()


def test_an_empty_list_says_where_the_link_will_be(surfer):
    for path in ("/images/", "/files/"):
        expect(surfer.open(path).get_by_text("Your link appears here.")).to_be_visible()


# where the keyboard is


def test_after_a_deletion_the_keyboard_is_on_the_next_card(surfer):
    surfer.open("/files/")
    for name in ("c.txt", "b.txt", "a.txt"):
        sent(surfer, name)
    page = surfer.open("/files/")
    for gone, then in (("b.txt", "c.txt"), ("c.txt", "a.txt")):
        page.get_by_role("button", name=f"Delete {gone}").click()
        expect(page.get_by_role("link", name=then, exact=True)).to_be_focused()
    page.get_by_role("button", name="Delete a.txt").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No files yet")).to_be_focused()


def test_the_question_stays_open_while_the_list_is_read_again(surfer):
    surfer.open("/files/")
    sent(surfer, "a.txt")
    page = surfer.open("/files/")
    page.get_by_role("button", name="Delete all files").click()
    sent(surfer, "b.txt")
    with page.expect_response(f"{URL}/files/"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("button", name="Delete 2 files")).to_be_visible()
    expect(page.get_by_role("button", name="Keep them")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_page_behind_the_question_cannot_be_reached(surfer):
    surfer.open("/files/")
    sent(surfer, "a.txt")
    page = surfer.open("/files/")
    page.get_by_role("button", name="Delete all files").click()
    assert page.evaluate("document.querySelector('#sure').matches(':modal')")
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.matches('#sure *, body')")
    no_barrier(page)


def test_clear_asks_and_keep_works_without_a_script(browser):
    with visit(browser, java_script_enabled=False) as surfer:
        page = surfer.tab()
        page.goto(f"{URL}/files/")
        sent(surfer, "a.txt")
        page.goto(f"{URL}/files/")
        page.get_by_role("button", name="Keep 15 more minutes: a.txt").click()
        assert page.url == f"{URL}/files/"
        expect(page.locator(".left")).to_have_text("30 minutes left")
        page.get_by_role("button", name="Delete all files").click()
        page.get_by_role("button", name="Keep them").click()
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.get_by_role("button", name="Delete all files").click()
        page.get_by_role("button", name="Delete 1 file").click()
        expect(page.get_by_text("No files yet")).to_be_visible()


# many at once


def test_selected_cards_are_deleted_together(surfer):
    surfer.open("/files/")
    for name in ("a.txt", "b.txt", "c.txt"):
        sent(surfer, name)
    page = surfer.open("/files/")
    stays(page)
    expect(page.get_by_label("Select a.txt")).to_be_hidden()
    page.get_by_label("Select", exact=True).check()
    for name in ("a.txt", "c.txt"):
        page.get_by_label(f"Select {name}").check()
    looked_at(page, "selecting")
    sent(surfer, "d.txt")
    with page.expect_response(f"{URL}/files/"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(card(page, "d.txt")).to_be_visible()
    expect(page.get_by_label("Select c.txt")).to_be_checked()
    page.get_by_role("button", name="Delete selected").click()
    expect(page.get_by_text("2 uploads deleted.")).to_be_visible()
    assert [upload["name"] for upload in surfer.uploads("file")] == ["d.txt", "b.txt"]
    assert stayed(page)


def test_selecting_works_without_a_script(browser):
    with visit(browser, java_script_enabled=False) as surfer:
        page = surfer.tab()
        page.goto(f"{URL}/files/")
        for name in ("a.txt", "b.txt"):
            sent(surfer, name)
        page.goto(f"{URL}/files/")
        page.get_by_label("Select", exact=True).check()
        page.get_by_label("Select a.txt").check()
        page.get_by_role("button", name="Delete selected").click()
        expect(page.get_by_text("1 upload deleted.")).to_be_visible()
        expect(card(page, "b.txt")).to_be_visible()


def test_all_links_are_copied_at_once(surfer):
    surfer.open("/files/")
    links = [sent(surfer, name)["link"] for name in ("a.txt", "b.txt", "c.txt")]
    surfer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = surfer.open("/files/")
    page.get_by_role("button", name="Copy all links").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == links[::-1]


def test_a_sorted_list_stays_sorted_while_it_is_read_again(surfer):
    surfer.open("/files/")
    for name in ("b.txt", "d.txt", "a.txt", "c.txt"):
        sent(surfer, name)
    page = surfer.open("/files/")
    stays(page)
    names = page.locator("[id^=upload-] h3")
    page.get_by_role("link", name="name", exact=True).click()
    expect(names).to_have_text(["a.txt", "b.txt", "c.txt", "d.txt"])
    expect(page.get_by_role("link", name="name", exact=True)).to_be_focused()
    page.get_by_role("button", name="Delete b.txt").click()
    expect(names).to_have_text(["a.txt", "c.txt", "d.txt"])
    assert stayed(page)


# what is said


@pytest.mark.parametrize("works", [True, False])
def test_a_message_is_in_sight_of_whom_it_is_for(surfer, works):
    surfer.open("/files/")
    for number in range(9):
        sent(surfer, f"{number}.txt")
    page = surfer.open("/files/")
    page.set_viewport_size({"width": 390, "height": 700})
    if not works:
        page.route("**/delete", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name="Delete 1.txt").click()
    message = page.get_by_text("1.txt deleted." if works else "That did not work. Nothing was changed; try again.")
    expect(message).to_be_in_viewport()
    assert page.evaluate("scrollY") > 500
    no_barrier(page)
    page.locator("#messages").get_by_role("button", name="Close").click()
    expect(message).to_have_count(0)


def test_a_failed_clear_closes_the_question_and_says_so(surfer):
    surfer.open("/files/")
    sent(surfer, "a.txt")
    page = surfer.open("/files/")
    page.route("**/clear/", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name="Delete all files").click()
    page.get_by_role("button", name="Delete 1 file").click()
    expect(page.get_by_text("That did not work.")).to_be_in_viewport()
    expect(page.get_by_role("dialog")).to_be_hidden()


# the time that is left


def test_the_last_ten_minutes_are_counted_by_the_second(surfer):
    surfer.open("/files/")
    sent(surfer, "new.txt")
    sent(surfer, "short.txt", lifetime=599)
    page = surfer.open("/files/")
    expect(card(page, "new.txt").locator(".left")).to_have_text("15 minutes left")
    left = card(page, "short.txt").locator(".left")
    expect(left).to_have_text(re.compile(r"^9:5\d left$"))
    before = left.inner_text()
    expect(left).not_to_have_text(before)


def test_two_minutes_before_the_end_the_page_offers_more_time(surfer):
    page = surfer.open("/files/")
    sent(surfer, "brief.txt", lifetime=60)  # chosen so, and not worth a warning
    sent(surfer, "soon.txt", lifetime=123)
    sent(surfer, "later.txt")
    page = surfer.open("/files/")
    stays(page)
    warning = page.locator("#warnings")
    expect(warning).to_have_text(re.compile("soon.txt · 2 minutes left: keep longer\\?"), timeout=20_000)
    expect(page).to_have_title("2 minutes left: keep longer? · My Files · Mayfly")
    looked_at(page, "warning")
    warning.get_by_role("button", name="Keep 15 more minutes").click()
    expect(card(page, "soon.txt").locator(".left")).to_have_text(re.compile("^1[67] minutes left$"))
    expect(warning).to_be_empty()
    expect(page).to_have_title("My Files · Mayfly")
    assert stayed(page)


def test_a_closed_warning_does_not_come_back(surfer):
    page = surfer.open("/files/")
    sent(surfer, "soon.txt", lifetime=122)
    page = surfer.open("/files/")
    page.locator("#warnings").get_by_role("button", name="Close").click(timeout=20_000)
    page.wait_for_timeout(2500)
    expect(page.locator("#warnings")).to_be_empty()
    expect(page).to_have_title("My Files · Mayfly")


def test_a_recipient_sees_a_picture_clear_until_its_last_minute(surfer, browser):
    surfer.open("/images/")
    upload = sent(surfer, "old.png", kind="image", content=PNG, lifetime=66)
    page = surfer.open("/images/")
    expect(page.locator(".picture img")).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1500)
    look = "image => getComputedStyle(image).opacity"
    assert float(page.locator(".picture img").evaluate(look)) < 0.99
    with visit(browser) as other:
        page = other.tab()
        page.goto(upload["link"])
        page.locator(".left").evaluate("time => { time.dataset.left = '62'; }")
        fresh = page.locator(".left").evaluate("time => time.replaceWith(time.cloneNode(true))")
        assert fresh is None
        page.wait_for_timeout(1100)
        assert page.locator(".large").evaluate(look) == "1"
        expect(page.locator("article")).to_have_class(re.compile("last-minute"), timeout=10_000)
        assert float(page.locator(".large").evaluate(look)) < 0.99
