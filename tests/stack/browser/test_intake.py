"""Files and text that reach the page beside the button: dragged over it, or pasted."""

from playwright.sync_api import expect

from ..conftest import URL


def drags(surfer, file):
    """A function that lets a file be dragged from the desktop over the page, step by step."""
    devtools = surfer.context.new_cdp_session(surfer.page)
    data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}

    def drag(step: str) -> bool:
        devtools.send("Input.dispatchDragEvent", {"type": step, "data": data, "x": 1200, "y": 700})
        return True

    return drag


def test_the_whole_window_is_a_target_while_a_file_is_dragged(surfer, make):
    file = make("a.txt", 10)
    page = surfer.open("/files/")
    target = page.get_by_text("Drop your files here")
    expect(target).to_be_hidden()
    drag = drags(surfer, file)
    drag("dragEnter")
    surfer.until(lambda: drag("dragOver") and target.is_visible())
    drag("dragCancel")
    expect(target).to_be_hidden()
    for step in ("dragEnter", "dragOver", "drop"):
        drag(step)
    expect(target).to_be_hidden()
    surfer.see("a.txt")


def paste(surfer, text: str) -> None:
    surfer.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=URL)
    surfer.page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    surfer.page.keyboard.press("Control+V")


def test_pasted_text_becomes_a_file_once_it_has_a_name(surfer):
    page = surfer.open("/files/")
    page.locator("h1").click()
    paste(surfer, "buy milk\nand bread")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name of the file")).to_be_focused()
    dialog.get_by_label("Name of the file").fill("shopping.txt")
    page.keyboard.press("Enter")
    surfer.see("shopping.txt")
    [upload] = surfer.uploads("file")
    assert surfer.download(upload) == b"buy milk\nand bread"


def test_text_pasted_on_my_images_is_sent_as_a_file(surfer):
    page = surfer.open("/images/")
    page.locator("h1").click()
    paste(surfer, "buy milk")
    page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Copy link: text.txt")).to_be_visible()
    assert surfer.uploads("file")[0]["name"] == "text.txt"


def test_pasted_text_is_not_sent_without_an_answer_or_from_a_field(surfer):
    page = surfer.open("/files/")
    page.locator("h1").click()
    paste(surfer, "buy milk")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#id_title").click()
    paste(surfer, "a title")
    expect(page.locator("#id_title")).to_have_value("a title")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert surfer.uploads("file") == []
