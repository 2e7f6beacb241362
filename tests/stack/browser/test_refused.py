"""Files that the page cannot send as they are, and how the visitor goes on."""

import pytest
from playwright.sync_api import expect

from tests.support.samples import PNG

from .conftest import digest, visit
from .looking import looked_at

HEIC = b"\0\0\0\x20ftypheic" + b"x" * 100
FAULTS = ".upload-faults li"
CARD = ".sending li"


@pytest.mark.parametrize("name", ["cat.heic", "notes.pdf", "drawing.svg"])
def test_a_refused_image_is_sent_as_a_file_by_one_button(surfer, make, name):
    content = {"cat.heic": HEIC, "notes.pdf": b"%PDF-1.4", "drawing.svg": b"<svg/>"}[name]
    page = surfer.open("/images/")
    surfer.upload(make(name, content))
    page.get_by_role("button", name="Send as a file").click()
    copy = page.get_by_role("button", name=f"Copy link: {name}")
    expect(copy).to_be_focused()
    expect(page.locator(FAULTS)).to_have_count(0)
    [upload] = surfer.uploads("file")
    assert page.locator(".sending input.link").input_value() == upload["link"]
    assert digest(surfer.download(upload)) == digest(content)
    page.locator(".sending").get_by_role("link", name="My Files").click()
    surfer.see(name)


def test_a_phone_shares_the_link_of_a_refused_image_sent_as_a_file(browser, make):
    with visit(browser, has_touch=True, is_mobile=True) as surfer:
        page = surfer.tab()
        page.add_init_script("window.shared = []; navigator.share = async ({ url }) => window.shared.push(url)")
        surfer.open("/images/", page=page)
        surfer.upload(make("cat.heic", HEIC))
        page.get_by_role("button", name="Send as a file").click()
        share = page.get_by_role("button", name="Share: cat.heic")
        expect(share).to_be_focused()
        share.click()
        assert page.evaluate("window.shared") == [surfer.uploads("file")[0]["link"]]


def test_files_with_one_fault_share_a_message_that_can_be_closed(surfer, make):
    page = surfer.open("/images/")
    names = [f"{number}.pdf" for number in range(6)]
    surfer.upload(*(make(name, b"%PDF-1.4" + name.encode()) for name in names), make("cat.heic", HEIC))
    expect(page.locator(FAULTS)).to_have_count(2)
    surfer.says("0.pdf, 1.pdf, 2.pdf, and 3 more files: These are not images we can show.")
    expect(page.get_by_role("button", name="Send 6 as files")).to_be_visible()
    page.get_by_role("button", name="Close").first.click()
    expect(page.locator(FAULTS)).to_have_count(1)
    expect(page.get_by_role("button", name="Choose images")).to_be_focused()


def test_a_page_with_refused_files_has_no_barrier(surfer, make):
    page = surfer.open("/images/")
    surfer.upload(make("cat.heic", HEIC), make("notes.pdf", b"%PDF-1.4"), make("empty.png", b""))
    expect(page.locator(FAULTS)).to_have_count(3)
    looked_at(page, "refused")


def test_a_message_about_a_refused_file_goes_with_the_next_choice(surfer, make):
    page = surfer.open("/images/")
    surfer.upload(make("cat.heic", HEIC))
    expect(page.locator(FAULTS)).to_have_count(1)
    surfer.upload(make("dot.png", PNG))
    expect(page.locator(FAULTS)).to_have_count(0)


def test_a_refusal_stays_in_sight_when_another_image_is_ready(surfer, make):
    page = surfer.open("/images/")
    page.set_viewport_size({"width": 390, "height": 500})
    surfer.upload(make("cat.heic", HEIC), make("dot.png", PNG))
    surfer.see("dot.png")
    expect(page.locator(CARD)).to_have_count(0)
    expect(page.get_by_role("button", name="Send as a file")).to_be_in_viewport()


def test_a_title_stays_for_the_next_file_if_none_could_be_sent(surfer, make):
    page = surfer.open("/images/")
    page.locator("#id_title").fill("my cat")
    surfer.upload(make("cat.heic", HEIC))
    surfer.says("HEIC")
    expect(page.locator("#id_title")).to_have_value("my cat")
    page.get_by_role("button", name="Send as a file").click()
    expect(page.get_by_role("button", name="Copy link: cat.heic")).to_be_visible()
    assert surfer.uploads("file")[0]["title"] == "my cat"
    expect(page.locator("#id_title")).to_have_value("")


def test_a_form_without_a_file_says_so(surfer):
    page = surfer.open("/files/")
    page.locator("#id_title").press("Enter")
    surfer.says("Choose a file first.")
    expect(page.get_by_role("button", name="Choose files")).to_be_focused()


def test_a_name_with_format_characters_is_shown_without_them(surfer, make):
    page = surfer.open("/images/")
    surfer.upload(make("photo\u202egpj.exe", b"MZ"))
    surfer.says("photogpj.exe: This is not an image we can show.")
    assert "\u202e" not in page.locator("body").inner_text()
