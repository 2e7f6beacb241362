"""An upload under way: its card, what can be changed while it travels, and what the browser shows meanwhile."""

import re
from datetime import datetime

import pytest
from playwright.sync_api import expect

from .conftest import MiB, visit

CARD = ".sending li"
SLOW = 3_000_000  # bytes a second


def test_choosing_a_file_sends_it_and_shows_its_card(surfer, make):
    page = surfer.open("/files/")
    surfer.line(up=2 * SLOW)
    surfer.upload(make("film.mp4", 48 * MiB))
    card = page.locator(CARD)
    expect(card.get_by_role("heading")).to_have_text("film.mp4")
    expect(card.locator(".facts")).to_have_text(re.compile(r"^\d+% · 50\.3\sMB$"))
    expect(card.get_by_role("progressbar", name="film.mp4")).to_be_visible()
    expect(page.locator("#id_title")).to_be_hidden()
    link = card.get_by_label("Link to share").input_value(timeout=60_000)
    surfer.line()
    surfer.see("film.mp4")
    expect(page.locator(CARD)).to_have_count(0)
    assert surfer.uploads("file")[0]["link"] == link


def test_no_link_is_shown_before_storage_has_a_part(surfer, make, line):
    line.meddle = lambda number, route: True
    page = surfer.open("/files/")
    surfer.upload(make("film.mp4", 24 * MiB))
    surfer.until(lambda: line.sent)
    expect(page.locator(CARD)).to_have_count(1)
    expect(page.locator(".sending input.link")).to_have_count(0)


def test_the_form_is_one_button_until_all_uploads_are_deleted(surfer, make):
    page = surfer.open("/files/")
    surfer.upload(make("a.txt", 10))
    surfer.see("a.txt")
    expect(page.locator("#id_title")).to_be_hidden()
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    page.get_by_role("button", name="Delete a.txt").click()
    expect(page.locator("#id_title")).to_be_visible()


def test_a_title_and_a_lifetime_chosen_before_go_with_the_file(surfer, make):
    page = surfer.open("/files/")
    page.locator("#id_title").fill("holiday")
    page.locator("form.upload").get_by_text("1 h", exact=True).click()
    surfer.upload(make("a.txt", 10))
    surfer.see("a.txt")
    [upload] = surfer.uploads("file")
    assert upload["title"] == "holiday"
    assert seconds_of(upload) == pytest.approx(3600, abs=30)


def seconds_of(upload: dict) -> float:
    return (datetime.fromisoformat(upload["expires_at"]) - datetime.fromisoformat(upload["created_at"])).total_seconds()


def test_title_and_lifetime_can_be_changed_while_the_file_travels(surfer, make):
    page = surfer.open("/files/")
    surfer.line(up=SLOW)
    surfer.upload(make("film.mp4", 24 * MiB))
    surfer.until_percent(10)
    card = page.locator(CARD)
    card.get_by_label("Title").fill("our film")
    card.get_by_text("12 h", exact=True).click()
    surfer.until(lambda: page.locator(".upload-faults li").count() == 0)
    surfer.line()
    surfer.see("our film")
    [upload] = surfer.uploads("file")
    assert upload["title"] == "our film"
    assert seconds_of(upload) == pytest.approx(12 * 3600, abs=60)


def test_a_change_that_is_not_saved_is_named_until_one_is(surfer, make):
    page = surfer.open("/files/")
    surfer.line(up=500_000)
    surfer.upload(make("film.mp4", 9 * MiB))
    surfer.until_percent(1)
    page.route(
        "**/api/uploads/*", lambda route: route.abort() if route.request.method == "PATCH" else route.continue_()
    )
    page.locator(CARD).get_by_text("1 h", exact=True).click()
    surfer.says("film.mp4: The change was not saved. Try again.")
    page.unroute("**/api/uploads/*")
    page.locator(CARD).get_by_text("12 h", exact=True).click()
    expect(page.locator(".upload-faults li")).to_have_count(0)
    page.locator(CARD).get_by_role("button", name="Cancel").click()
    expect(page.locator(CARD)).to_have_count(0)


def test_a_title_that_is_being_typed_at_the_end_is_saved(surfer, make):
    page = surfer.open("/files/")
    held = []
    page.route("**/complete", lambda route: held.append(route))
    surfer.upload(make("a.txt", 10))
    surfer.until(lambda: held)
    page.locator(CARD).get_by_label("Title").press_sequentially("late thoughts")
    held[0].continue_()
    surfer.see("late thoughts")
    assert surfer.uploads("file")[0]["title"] == "late thoughts"


def test_the_page_remembers_the_lifetime(surfer):
    page = surfer.open("/files/")
    page.locator("form.upload").get_by_text("5 min", exact=True).click()
    surfer.open("/images/")
    expect(page.get_by_label("5 min", exact=True)).to_be_checked()


def test_a_link_is_not_lost_while_the_list_cannot_be_read(surfer, make):
    page = surfer.open("/files/")
    page.route("**/files/", lambda route: route.abort())
    surfer.upload(make("a.txt", 10))
    copy = page.locator(".underway").get_by_role("button", name="Copy link: a.txt")
    expect(copy).to_be_visible(timeout=20_000)
    assert page.locator(".sending input.link").input_value() == surfer.uploads("file")[0]["link"]
    page.unroute("**/files/")
    surfer.upload(make("b.txt", 10))
    surfer.see("a.txt")
    expect(page.locator(CARD)).to_have_count(0)


def test_several_files_can_be_cancelled_at_once(surfer, make, bucket):
    before = bucket.transfers()
    page = surfer.open("/files/")
    surfer.separate_links()
    surfer.line(up=500_000)
    surfer.upload(*(make(f"{number}.bin", 9 * MiB) for number in range(3)))
    expect(page.locator(CARD)).to_have_count(3)
    page.get_by_role("button", name="Cancel all").click()
    expect(page.locator(CARD)).to_have_count(0)
    surfer.line()
    surfer.until(lambda: bucket.transfers() == before)
    assert surfer.uploads("file") == []


def test_the_focus_stays_with_the_cards_after_a_cancel(surfer, make):
    page = surfer.open("/files/")
    surfer.separate_links()
    surfer.line(up=500_000)
    surfer.upload(make("a.bin", 9 * MiB), make("b.bin", 9 * MiB))
    page.get_by_role("button", name="Cancel a.bin").click()
    expect(page.get_by_role("button", name="Pause b.bin")).to_be_focused()
    page.get_by_role("button", name="Cancel b.bin").click()
    expect(page.get_by_role("button", name="Choose files")).to_be_focused()


def test_the_tab_shows_how_far_the_upload_is_and_that_it_is_complete(surfer, make):
    page = surfer.open("/files/")
    before = page.title()
    surfer.line(up=SLOW)
    surfer.upload(make("film.mp4", 24 * MiB))
    surfer.until(lambda: re.fullmatch(r"[1-9]\d% film\.mp4 · My Files · Mayfly", page.title()))
    surfer.line()
    surfer.until(lambda: page.title() == "✓ film.mp4 · My Files · Mayfly")
    surfer.until(lambda: page.title() == before)


def test_a_visitor_who_allowed_it_is_notified_elsewhere(browser, make):
    with visit(browser) as surfer:
        page = surfer.tab()
        page.add_init_script("""
          window.told = [];
          window.Notification = class {
            static permission = "default";
            static async requestPermission() { this.permission = "granted"; }
            constructor(title, { body }) { window.told.push(body); }
          };
          Object.defineProperty(document, "visibilityState", { get: () => window.away ? "hidden" : "visible" });
        """)
        surfer.open("/files/", page=page)
        surfer.line(up=SLOW)
        surfer.upload(make("film.mp4", 9 * MiB))
        page.get_by_role("button", name="Notify me when it is complete").click()
        page.evaluate("window.away = true")
        surfer.line()
        surfer.until(lambda: page.evaluate("window.told"))
        assert page.evaluate("window.told") == ["film.mp4 is uploaded."]


def test_an_upload_offline_shows_no_word_of_uploading(surfer, make):
    page = surfer.open("/files/")
    surfer.line(up=SLOW)
    surfer.upload(make("film.mp4", 24 * MiB))
    surfer.until_percent(10)
    surfer.line(offline=True)
    surfer.says("No connection.")
    expect(page.locator(CARD).locator(".facts")).to_contain_text("Waiting")
    assert "Uploading" not in page.locator("main").inner_text()


@pytest.mark.parametrize("width", [390, 820, 844])
def test_the_camera_buttons_of_a_touch_screen_do_not_overlap(browser, width):
    with visit(browser, viewport={"width": width, "height": 900}, has_touch=True, is_mobile=True) as surfer:
        page = surfer.open("/files/")
        boxes = [page.get_by_role("button", name=name).bounding_box() for name in ("Take picture", "Record video")]
        first, second = boxes
        assert first["x"] + first["width"] <= second["x"] or first["y"] + first["height"] <= second["y"]
        expect(page.locator(".upload-area")).not_to_contain_text("drop or paste")
