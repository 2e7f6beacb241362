"""The pages: time running out, deletion, languages, links, and accessibility."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.samples import PNG

from ..conftest import URL
from .conftest import visit
from .looking import card, evening, looked_at, sent, stayed, stays

# time


def test_the_time_left_counts_down_until_the_upload_disappears(surfer):
    page = surfer.open("/files/")
    sent(surfer, "brief.txt", lifetime=9)
    sent(surfer, "longer.txt", lifetime=600)
    page = surfer.open("/files/")
    stays(page)
    left = card(page, "brief.txt").locator(".left")
    expect(left).to_have_text(re.compile(r"^0:0[3-8] left$"))
    before = left.inner_text()
    expect(left).not_to_have_text(before)
    expect(card(page, "brief.txt")).to_have_count(0, timeout=20_000)
    expect(card(page, "longer.txt")).to_be_visible()
    expect(page.locator("#here")).to_contain_text(re.compile("1 file · it expires in 9:[0-5][0-9]$"))
    assert stayed(page)


def test_a_share_page_becomes_the_receipt_by_itself(surfer):
    surfer.open("/files/")
    upload = sent(surfer, "brief.txt", lifetime=6)
    page = surfer.page
    page.goto(upload["link"])
    expect(page.locator("h1")).to_have_text("brief.txt")
    expect(page.locator("h1")).to_have_text("This upload is no longer here", timeout=20_000)
    expect(page.locator("dd").last).to_have_text("nothing of it is left in storage", timeout=30_000)


def test_a_picture_fades_as_its_time_runs_out(surfer):
    surfer.open("/images/")
    sent(surfer, "fresh.png", kind="image", content=PNG, lifetime=600)
    sent(surfer, "old.png", kind="image", content=PNG, lifetime=20)
    page = surfer.open("/images/")
    page.wait_for_timeout(6000)

    def share_left(name: str) -> float:
        return float(card(page, name).evaluate("card => getComputedStyle(card).getPropertyValue('--left')"))

    assert share_left("fresh.png") > 0.95
    assert share_left("old.png") < 0.75


# removal


def test_clear_asks_first_and_does_not_reload(surfer):
    surfer.open("/files/")
    for name in ("a.txt", "b.txt"):
        sent(surfer, name)
    page = surfer.open("/files/")
    stays(page)
    page.get_by_role("button", name="Delete all files").click()
    page.get_by_role("button", name="Keep them").click()
    expect(card(page, "a.txt")).to_be_visible()
    page.get_by_role("button", name="Delete all files").click()
    dialog = page.get_by_role("dialog", name="Delete all files?")
    expect(dialog).to_contain_text("They are deleted now, for good. Running uploads stop.")
    dialog.get_by_role("button", name="Delete 2 files").click()
    expect(page.get_by_text("No files yet")).to_be_visible()
    expect(page.get_by_text("2 uploads deleted.")).to_be_visible()
    assert stayed(page)
    assert surfer.uploads("file") == []


def test_the_keyboard_alone_can_cancel_and_confirm_clear(surfer):
    surfer.open("/files/")
    sent(surfer, "a.txt")
    page = surfer.open("/files/")
    page.locator("#clear").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Enter")  # the focus is on the button again
    expect(page.get_by_role("button", name="Keep them")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No files yet")).to_be_focused()


def test_delete_removes_one_upload_and_keeps_the_others(surfer):
    surfer.open("/files/")
    for name in ("a.txt", "b.txt", "c.txt"):
        sent(surfer, name)
    page = surfer.open("/files/")
    stays(page)
    page.get_by_role("button", name="Delete b.txt").click()
    expect(card(page, "b.txt")).to_have_count(0)
    expect(page.get_by_text("b.txt deleted.")).to_be_visible()
    assert [upload["name"] for upload in surfer.uploads("file")] == ["c.txt", "a.txt"]
    assert stayed(page)


def test_deleting_an_upload_twice_shows_the_present_list(surfer):
    surfer.open("/files/")
    for name in ("a.txt", "b.txt"):
        sent(surfer, name)
    page = surfer.open("/files/")
    upload = next(upload for upload in surfer.uploads("file") if upload["name"] == "a.txt")
    # Another program does it, because another tab would let this one know.
    answer = surfer.context.request.delete(f"{URL}/api/uploads/{upload['id']}", headers=surfer.csrf())
    assert answer.status == 204
    page.get_by_role("button", name="Delete a.txt").click()
    expect(card(page, "a.txt")).to_have_count(0)
    expect(card(page, "b.txt")).to_be_visible()


def test_a_failed_deletion_says_so_and_keeps_the_list(surfer):
    surfer.open("/files/")
    sent(surfer, "a.txt")
    page = surfer.open("/files/")
    page.route("**/delete", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name="Delete a.txt").click()
    expect(page.get_by_text("That did not work. Nothing was changed; try again.")).to_be_visible()
    expect(card(page, "a.txt")).to_be_visible()


def test_the_page_says_while_it_is_offline(surfer):
    page = surfer.open("/files/")
    surfer.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    surfer.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_have_count(0)


# links


def test_a_copied_link_works_in_another_browser(surfer, browser):
    surfer.open("/files/")
    upload = sent(surfer, "notes.txt", title="Notes of today")
    surfer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = surfer.open("/files/")
    page.get_by_role("button", name="Copy link: notes.txt").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == upload["link"]
    expect(page.get_by_label("Link to share")).to_have_value(link)
    with visit(browser) as other:
        page = other.tab()
        page.goto(link)
        expect(page.locator("h1")).to_have_text("Notes of today")
        expect(page.get_by_role("button", name="Delete now")).to_have_count(0)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        assert download.value.suggested_filename == "notes.txt"
        assert Path(download.value.path()).read_bytes() == b"hello"


# long lists


def test_a_long_list_is_turned_over_without_a_reload(surfer):
    """Case 64."""
    page = surfer.open("/files/")
    for number in range(53):
        sent(surfer, f"number {number}")
    page = surfer.open("/files/")
    stays(page)
    expect(page.locator("[id^=upload-]")).to_have_count(50)
    page.get_by_role("link", name="Older").click()
    expect(page.locator("[id^=upload-]")).to_have_count(3)
    card(page, "number 2").get_by_role("button", name="Delete number 2").click()
    expect(page.locator("[id^=upload-]")).to_have_count(2)
    page.get_by_role("link", name="Newer").click()
    expect(page.locator("[id^=upload-]")).to_have_count(50)
    expect(card(page, "number 52")).to_be_visible()
    assert stayed(page)


def test_a_new_upload_brings_its_part_of_the_list_back(surfer, make):
    page = surfer.open("/files/")
    for number in range(51):
        sent(surfer, f"number {number}")
    page = surfer.open("/files/")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("[id^=upload-]")).to_have_count(1)
    surfer.upload(make("new.bin", 1000))
    expect(card(page, "new.bin")).to_be_visible()
    expect(page.locator("[id^=upload-]")).to_have_count(50)


def test_a_long_list_is_turned_over_without_a_script(browser):
    with visit(browser, java_script_enabled=False) as surfer:
        page = surfer.tab()
        page.goto(f"{URL}/files/")
        for number in range(51):
            sent(surfer, f"number {number}")
        page.goto(f"{URL}/files/")
        page.get_by_role("link", name="Older").click()
        expect(page.locator("[id^=upload-]")).to_have_count(1)
        page.get_by_role("link", name="Newer").click()
        expect(page.locator("[id^=upload-]")).to_have_count(50)


# languages


@pytest.mark.parametrize(
    ("locale", "title", "left", "size"),
    [
        ("en-GB", "My Files", "11 minutes left", "1.5 kB"),
        ("pt-BR", "Meus arquivos", "faltam 11 minutos", "1,5 kB"),
        ("es-ES", "Mis archivos", "quedan 11 minutos", "1,5 kB"),
    ],
)
def test_each_language_translates_words_times_and_sizes(browser, locale, title, left, size):
    with visit(browser, locale=locale) as surfer:
        surfer.open("/files/")
        sent(surfer, "a.txt", content=b"x" * 1500, lifetime=659)
        page = surfer.open("/files/")
        expect(page.locator("h1")).to_have_text(title)
        expect(card(page, "a.txt").locator(".left")).to_have_text(left)
        expect(card(page, "a.txt")).to_contain_text(size)


def test_the_switch_changes_the_language_of_the_same_page(surfer):
    page = surfer.open("/files/")
    page.get_by_role("button", name="Español").click()
    expect(page.locator("h1")).to_have_text("Mis archivos")
    assert page.url == f"{URL}/files/"
    expect(page.locator("html")).to_have_attribute("lang", "es")


# accessibility and pictures


@pytest.mark.parametrize("path", ["/images/", "/files/"])
def test_an_empty_page_has_no_barrier(surfer, path):
    looked_at(surfer.open(path), f"empty-{path.strip('/')}")


@pytest.mark.parametrize("kind", ["image", "file"])
def test_a_full_page_has_no_barrier(surfer, kind):
    surfer.open(f"/{kind}s/")
    for number in range(3):
        sent(surfer, f"evening {number}.jpg", kind=kind, content=evening(number), lifetime=900)
    page = surfer.open(f"/{kind}s/")
    if kind == "image":
        expect(page.locator(".picture img")).to_have_count(3, timeout=30_000)
    looked_at(page, f"{kind}s")
    page.locator("#clear").click()
    looked_at(page, f"{kind}s-clear")


def test_a_share_page_and_its_receipt_have_no_barrier(surfer):
    surfer.open("/images/")
    upload = sent(surfer, "evening.jpg", kind="image", content=evening(0), title="At the lake")
    page = surfer.open("/images/")
    expect(page.locator(".picture img")).to_have_count(1, timeout=30_000)
    page.goto(upload["link"])
    expect(page.get_by_role("img", name="At the lake")).to_be_visible()
    page.get_by_text("QR code").click()
    looked_at(page, "share")
    page.get_by_role("button", name="Delete now").click()
    page.goto(upload["link"])
    expect(page.locator("h1")).to_have_text("This upload is no longer here")
    looked_at(page, "gone")


def test_an_error_page_has_no_barrier(surfer):
    page = surfer.tab()
    page.goto(f"{URL}/u/nothing/")
    looked_at(page, "not-found")


def test_an_upload_under_way_has_no_barrier(surfer, make):
    page = surfer.open("/files/")
    surfer.line(up=200_000)
    surfer.upload(make("film.mp4", 20_000_000))
    surfer.until_percent(1)
    looked_at(page, "sending")


def test_a_page_loads_nothing_from_other_servers(surfer):
    asked = []
    surfer.page = surfer.tab()
    surfer.page.on("request", lambda request: asked.append(request.url))
    surfer.open("/files/")
    surfer.page.wait_for_load_state("networkidle")
    assert asked
    assert all(url.startswith(URL) for url in asked)
