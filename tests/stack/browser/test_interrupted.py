"""The notice about an interrupted upload: it goes when its file is taken up again, and asks before it discards."""

from playwright.sync_api import expect

from .conftest import MiB, digest, interrupt, stored

NOTICE = ".upload-interrupted li"


def test_the_notice_goes_when_its_file_is_chosen_and_returns_without_it(surfer, make):
    film = make("film.mp4", 40 * MiB)
    interrupt(surfer, film)
    page = surfer.page
    expect(page.locator(NOTICE)).to_have_count(1)
    surfer.line(up=1_000_000)
    surfer.upload(film)
    expect(page.locator(NOTICE)).to_have_count(0)
    surfer.says("Uploading")
    expect(page.locator(NOTICE)).to_have_count(0)
    surfer.line()
    surfer.see("film.mp4")
    page.wait_for_timeout(500)
    expect(page.locator(NOTICE)).to_have_count(0)


def test_the_notice_goes_in_a_tab_whose_neighbour_takes_the_file_up(surfer, make):
    film = make("film.mp4", 40 * MiB)
    interrupt(surfer, film)
    first = surfer.page
    surfer.devtools = None
    surfer.open("/files/", page=surfer.tab())
    surfer.line(up=1_000_000)
    surfer.upload(film)
    surfer.says("Uploading")
    # The tab in front knows nothing of it yet, and its question is still open when the answer comes.
    first.get_by_role("button", name="Discard film.mp4").click()
    first.get_by_role("dialog").get_by_role("button", name="Discard").click()
    expect(first.locator(NOTICE)).to_have_count(0)
    surfer.line()
    surfer.see("film.mp4")
    [upload] = surfer.uploads("file")
    assert digest(surfer.download(upload)) == digest(film.read_bytes())


def test_discard_asks_once_and_an_answer_of_no_keeps_all(surfer, make):
    upload_id = interrupt(surfer, make("film.mp4", 40 * MiB))
    page = surfer.page
    removals = []
    page.on("request", lambda request: removals.append(request.url) if request.method == "DELETE" else None)
    page.get_by_role("button", name="Discard film.mp4").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Discard film.mp4?")
    expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(NOTICE)).to_have_count(1)
    assert removals == []
    page.get_by_role("button", name="Discard film.mp4").click()
    dialog.get_by_role("button", name="Discard").click()
    expect(page.locator(NOTICE)).to_have_count(0)
    surfer.until(lambda: removals)
    assert removals[0].endswith(upload_id)
    assert stored(page) == []
