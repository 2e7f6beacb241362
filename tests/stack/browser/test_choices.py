"""The choices on the form, made before the files: a limit on downloads, a password, and the details in photos."""

import json

import pytest
from playwright.sync_api import expect

from tests.support.samples import PNG

from ..conftest import URL
from .conftest import MiB, interrupt, stored, visit
from .looking import looked_at

CARD = ".sending li"
SUMMARY = ".more summary"
PASSWORD = "correct horse"


def choose(page, *, downloads: str = "", password: str = "") -> None:
    """Unfold the choices and make some."""
    if page.locator(".more[open]").count() == 0:
        page.get_by_text("More choices").click()
    if downloads:
        page.locator(".choices").get_by_text(downloads, exact=True).click()
    if password:
        page.locator("#id_password").fill(password)
        page.locator("#id_password").press("Tab")


def protection(upload: dict) -> tuple[bool, int | None]:
    return upload["password"], upload["downloads"] and upload["downloads"]["most"]


def test_choices_go_with_the_files_and_stay_for_the_next_ones(surfer, make):
    page = surfer.open("/files/")
    choose(page, downloads="3", password=PASSWORD)
    expect(page.locator(SUMMARY)).to_have_text("More choices · password · 3 downloads")
    surfer.upload(make("a.txt", 10))
    surfer.see("a.txt")
    surfer.upload(make("b.txt", 10))
    surfer.see("b.txt")
    surfer.upload(make("c.txt", 10), make("d.txt", 10))
    surfer.until(lambda: len(surfer.uploads("file")) == 4)
    [bundle] = surfer.context.request.get(f"{URL}/api/bundles").json()["bundles"]
    alone = [upload for upload in surfer.uploads("file") if not upload["bundle"]]
    assert [protection(one) for one in (*alone, bundle)] == [(True, 3)] * 3


def test_a_tab_keeps_the_choices_and_nothing_else_has_the_password(surfer, make):
    page = surfer.open("/files/")
    choose(page, downloads="10", password=PASSWORD)
    surfer.open("/images/")
    expect(page.locator(SUMMARY)).to_have_text("More choices · password · 10 downloads")
    expect(page.locator("#id_password")).to_have_value(PASSWORD)
    surfer.line(up=2_000_000)
    surfer.open("/files/")
    surfer.upload(make("film.mp4", 20 * MiB))
    surfer.until(lambda: stored(page))
    assert PASSWORD not in page.evaluate("JSON.stringify(localStorage)")
    assert stored(page)[0]["choices"]["mark"]
    surfer.line()
    surfer.see("film.mp4")
    other = surfer.open("/files/", page=surfer.tab())
    expect(other.locator(SUMMARY)).to_have_text("More choices")


def test_a_card_shows_the_choices_of_its_upload(surfer, make):
    page = surfer.open("/files/")
    choose(page, downloads="1", password=PASSWORD)
    surfer.line(up=1_000_000)
    surfer.upload(make("film.mp4", 4 * MiB))
    expect(page.locator(CARD).locator(".chosen")).to_have_text("password · 1 download")
    surfer.line()
    surfer.see("film.mp4")


def test_another_number_of_downloads_is_typed_and_kept_within_its_limits(surfer, make):
    page = surfer.open("/files/")
    number = page.get_by_label("Number of downloads")
    choose(page)
    expect(number).to_be_hidden()
    choose(page, downloads="Other")
    number.fill("1000")
    number.press("Tab")
    expect(number).to_have_value("100")
    number.fill("7")
    surfer.upload(make("a.txt", 10))
    surfer.see("a.txt")
    assert protection(surfer.uploads("file")[0]) == (False, 7)


def test_the_choices_are_made_by_keyboard_alone(surfer):
    page = surfer.open("/files/")
    page.locator(SUMMARY).focus()
    for key in ("Enter", "Tab", "ArrowRight", "Tab"):
        page.keyboard.press(key)
    page.keyboard.type(PASSWORD)
    for key in ("Tab", "Space"):
        page.keyboard.press(key)
    expect(page.locator("#id_password")).to_have_attribute("type", "text")
    expect(page.get_by_role("button", name="Show")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(SUMMARY)).to_have_text("More choices · password · 1 download")


def test_photos_keep_their_details_only_if_their_visitor_wants_that(surfer, make):
    page = surfer.open("/images/")
    sent = []
    page.on("request", lambda request: sent.append(json.loads(request.post_data)) if begins(request) else None)
    surfer.upload(make("a.png", PNG))
    surfer.see("a.png")
    choose(page)
    page.get_by_label("Keep photo details (place, camera)").check()
    expect(page.locator(SUMMARY)).to_have_text("More choices · photo details kept")
    surfer.upload(make("b.png", PNG + b"b"))
    surfer.see("b.png")
    assert [wish.get("metadata") for wish in sent] == [None, "keep"]
    surfer.open("/files/")
    expect(page.get_by_label("Keep photo details (place, camera)")).to_have_count(0)


def begins(request) -> bool:
    return request.method == "POST" and request.url.endswith("/api/uploads")


@pytest.mark.parametrize("password", ["", "another one"])
def test_an_interrupted_upload_goes_on_only_with_its_password(surfer, make, password):
    page = surfer.open("/files/")
    choose(page, downloads="3", password=PASSWORD)
    film = make("film.mp4", 64 * MiB)
    before = interrupt(surfer, film)
    expect(page.locator(SUMMARY)).to_have_text("More choices · password · 3 downloads")
    choose(page, password=password)
    surfer.upload(film)
    surfer.see("film.mp4")
    [upload] = surfer.uploads("file")
    assert protection(upload) == (True, 3)
    assert (upload["id"] == before) is not bool(password)


def test_a_plain_form_makes_the_same_choices_and_names_what_is_wrong(browser, make):
    with visit(browser, java_script_enabled=False) as surfer:
        page = surfer.tab()
        page.goto(f"{URL}/files/")
        choose(page, downloads="Other", password=PASSWORD)
        page.get_by_label("Number of downloads").fill("500")
        page.locator("input[type=file]").set_input_files(make("a.txt", 10))
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("#downloads_error li")).to_have_count(1)
        expect(page.locator("#id_password")).to_be_visible()
        expect(page.locator("#id_password")).to_have_value("")
        page.get_by_label("Number of downloads").fill("50")
        page.locator("#id_password").fill(PASSWORD)
        page.locator("input[type=file]").set_input_files(make("a.txt", 10))
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("[id^=upload-]")).to_have_count(1)
        assert [protection(upload) for upload in surfer.uploads("file")] == [(True, 50)]


def test_the_unfolded_choices_have_no_barrier(surfer):
    page = surfer.open("/images/")
    choose(page, downloads="Other", password=PASSWORD)
    looked_at(page, "choices")


def test_from_the_page_to_the_link_are_two_taps(browser, make):
    with visit(browser, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844}) as surfer:
        page = surfer.open("/files/")
        expect(page.locator(".more[open]")).to_have_count(0)
        surfer.upload(make("a.txt", 10), make("b.txt", 10))  # the first tap
        copy = page.locator("[id^=bundle-]").get_by_role("button", name="Copy link")
        expect(copy).to_be_visible(timeout=20_000)
        expect(copy).to_be_in_viewport()
        copy.tap()
        expect(page.locator("[id^=bundle-]").get_by_role("button", name="Copied")).to_be_visible()
