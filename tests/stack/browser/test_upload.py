"""Send files in every way that a browser offers."""

import base64
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.samples import PNG

from ..conftest import URL
from .conftest import MiB, digest, visit


def drop(surfer, file, target: str) -> None:
    """Drag a file from the desktop and drop it on the element that `target` selects."""
    box = surfer.page.locator(target).bounding_box()
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    devtools = surfer.context.new_cdp_session(surfer.page)
    for step in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
        devtools.send("Input.dispatchDragEvent", {"type": step, "data": data} | place)


def test_a_film_chosen_by_the_button_arrives_byte_for_byte(surfer, make):
    film = make("film.mp4", 20 * MiB + 17)
    surfer.open("/files/")
    surfer.upload(film)
    surfer.see("film.mp4")
    [upload] = surfer.uploads("file")
    assert digest(surfer.download(upload)) == digest(film.read_bytes())


@pytest.mark.parametrize("target", [".upload-area", "h1"], ids=["on the field", "beside it"])
def test_a_dropped_file_arrives(surfer, make, target):
    notes = make("notes.txt", 30_000)
    surfer.open("/files/")
    drop(surfer, notes, target)
    surfer.see("notes.txt")
    assert surfer.download(surfer.uploads("file")[0]) == notes.read_bytes()


def test_a_pasted_image_arrives(surfer):
    surfer.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=URL)
    page = surfer.open("/images/")
    page.evaluate(
        """async (png) => {
          const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
          await navigator.clipboard.write([new ClipboardItem({"image/png": new Blob([bytes], {type: "image/png"})})]);
        }""",
        base64.b64encode(PNG).decode(),
    )
    page.locator("h1").click()
    page.keyboard.press("Control+V")
    surfer.see("image.png")
    [upload] = surfer.uploads("image")
    assert upload["type"] == "image/png"


def test_several_files_share_one_title(surfer, make):
    files = [make(f"{number}.bin", 3 * MiB) for number in range(5)]
    page = surfer.open("/files/")
    surfer.separate_links()
    page.get_by_label("Title").fill("holiday")
    surfer.upload(*files)
    for file in files:
        surfer.see(file.name)
    uploads = surfer.uploads("file")
    assert {upload["title"] for upload in uploads} == {"holiday"}
    assert sorted(digest(surfer.download(upload)) for upload in uploads) == sorted(
        digest(file.read_bytes()) for file in files
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cat.tiff", b"II*\0" + b"x" * 100, "cat.tiff: This is not an image we can show"),
        ("cat.png", b"<svg onload=alert(1)>", "cat.png: This is not an image we can show"),
        ("cat.heic", b"\0\0\0\x20ftypheic" + b"x" * 100, "cat.heic: HEIC pictures cannot be shown here."),
        ("cat.jpg", b"", "cat.jpg: This file is empty."),
        ("large.png", PNG + bytes(64_000_000), "large.png: This is too large: the limit is 64 MB."),
    ],
)
def test_the_page_refuses_a_wrong_file_before_it_sends_anything(surfer, make, name, content, words):
    sent = []
    page = surfer.open("/images/")
    page.on("request", lambda request: sent.append(request.method))
    surfer.upload(make(name, content))
    surfer.says(words)
    expect(page.locator(".sending li")).to_have_count(0)
    assert "POST" not in sent


def test_the_page_shows_the_servers_reason_for_a_refusal(surfer, make):
    message = "Your uploads can total at most 8.19 GB. Delete some, or wait for them to expire."
    surfer.open("/files/")
    surfer.page.route(
        f"{URL}/api/uploads",
        lambda route: route.fulfill(status=413, json={"error": {"code": "box_full", "message": message}}),
    )
    surfer.upload(make("film.mp4", 1000))
    surfer.says(f"film.mp4: {message}")


def test_the_page_waits_as_long_as_the_server_asks_and_says_so(surfer, make):
    surfer.open("/files/")
    asked = []

    def answer(route):
        asked.append(route)
        if len(asked) > 1:
            return route.continue_()
        error = {"error": {"code": "slow_down", "message": "Too many uploads in a minute."}}
        return route.fulfill(status=429, json=error, headers={"Retry-After": "3"})

    surfer.page.route(f"{URL}/api/uploads", answer)
    surfer.upload(make("film.mp4", 1000))
    surfer.says("Too many uploads in a minute. Trying again in")
    surfer.see("film.mp4")


def test_a_cancelled_upload_leaves_storage_and_is_not_offered_again(surfer, make, bucket):
    before = bucket.transfers()
    page = surfer.open("/files/")
    surfer.line(up=2_000_000)
    surfer.upload(make("film.mp4", 40 * MiB))
    surfer.until_percent(5)
    page.locator(".sending").get_by_role("button", name="Cancel").click()
    expect(page.locator(".sending li")).to_have_count(0)
    page.wait_for_timeout(1500)
    assert bucket.transfers() == before
    surfer.line()
    surfer.open("/files/")
    expect(page.locator(".upload-interrupted li")).to_have_count(0)


def test_the_page_asks_before_one_leaves_it_during_an_upload(surfer, make):
    page = surfer.open("/files/")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    surfer.line(up=1_000_000)
    surfer.upload(make("film.mp4", 20 * MiB))
    surfer.until_percent(2)
    page.close(run_before_unload=True)
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"]


def test_a_page_that_shows_uploads_itself_does_not_reload(surfer, make):
    page = surfer.open("/files/")
    surfer.separate_links()
    page.evaluate("document.addEventListener('mayfly:ready', (event) => event.preventDefault()); window.same = true")
    surfer.upload(make("a.txt", 10), make("b.txt", 10))
    surfer.until(lambda: len(surfer.seen()) == 2)
    surfer.says("is uploaded.")
    expect(page.locator(".sending li")).to_have_count(0)
    assert page.evaluate("window.same")
    assert {upload["name"] for upload in surfer.seen()} == {"a.txt", "b.txt"}


def test_a_large_file_is_never_whole_in_memory(surfer, make):
    page = surfer.open("/files/")
    page.evaluate("document.addEventListener('mayfly:ready', (event) => event.preventDefault())")
    surfer.upload(make("film.mp4", 120 * MiB))
    surfer.until(surfer.seen, seconds=90)
    devtools = surfer.context.new_cdp_session(page)
    devtools.send("HeapProfiler.enable")
    devtools.send("Performance.enable")
    metrics = {metric["name"]: metric["value"] for metric in devtools.send("Performance.getMetrics")["metrics"]}
    assert metrics["JSHeapUsedSize"] < 60 * MiB  # garbage included, such as two parts that were hashed


def test_the_form_sends_without_javascript(browser, make):
    content = make("notes.txt", 50_000)
    with visit(browser, java_script_enabled=False) as surfer:
        page = surfer.tab()
        page.goto(f"{URL}/files/")
        page.get_by_label("Choose files").set_input_files(content)
        page.get_by_label("Title").fill("by hand")
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_text("1 file is here.")).to_be_visible()
        surfer.page = page
        surfer.see("notes.txt")
        assert surfer.download(surfer.uploads("file")[0]) == content.read_bytes()


def test_a_share_page_does_not_load_the_uploader(surfer, make):
    surfer.open("/files/")
    surfer.upload(make("notes.txt", 10))
    surfer.see("notes.txt")
    loaded = []
    page = surfer.tab()
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(surfer.uploads("file")[0]["link"])
    assert not [url for url in loaded if "/upload." in url]


def test_a_title_is_for_one_upload_alone(surfer, make):
    page = surfer.open("/files/")
    page.get_by_label("Title").fill("holiday")
    surfer.upload(make("a.txt", 10))
    expect(page.locator("#id_title")).to_have_value("")
    surfer.says("a.txt is uploaded.")
    surfer.upload(make("b.txt", 10))
    surfer.says("b.txt is uploaded.")
    assert {upload["name"]: upload["title"] for upload in surfer.uploads("file")} == {"a.txt": "holiday", "b.txt": ""}


def test_the_status_forgets_an_upload_that_was_deleted(surfer, make):
    page = surfer.open("/files/")
    surfer.upload(make("a.txt", 10))
    surfer.says("a.txt is uploaded.")
    surfer.see("a.txt")
    page.get_by_role("button", name="Delete a.txt").click()
    expect(page.get_by_text("a.txt deleted.")).to_be_visible()
    expect(page.locator(".upload-line")).to_have_text("")


def test_a_broken_server_is_told_in_one_sentence_after_another(surfer, make):
    page = surfer.open("/files/")
    error = {"error": {"code": "storage", "message": "Storage does not answer. Try again in a minute."}}
    asked = []

    def answer(route):
        asked.append(route)
        if len(asked) > 1:
            return route.continue_()
        return route.fulfill(status=503, json=error, headers={"Retry-After": "3"})

    page.route("**/complete", answer)
    surfer.upload(make("a.txt", 10))
    expect(page.locator(".upload-line")).to_have_text(
        re.compile(r"^Storage does not answer\. Trying again in \d\ss\.$")
    )
    surfer.see("a.txt")


def twins(folder: Path, name: str, *contents: bytes) -> list[Path]:
    """Files of one name and one time of change, each in a folder of its own."""
    files = [folder / str(number) / name for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.parent.mkdir()
        file.write_bytes(content)
        os.utime(file, (315532800, 315532800))
    return files


@pytest.mark.parametrize("how", ["together", "one after the other"])
def test_different_files_of_one_name_size_and_time_all_arrive(surfer, tmp_path, how):
    contents = [b"a" * 4096, b"b" * 4096]
    files = twins(tmp_path, "save.dat", *contents)
    page = surfer.open("/files/")
    if how == "together":
        page.locator("input[multiple]:enabled").set_input_files(files)
    else:
        for file in files:
            drop(surfer, file, "h1")
    surfer.until(lambda: len(surfer.seen()) == (1 if how == "together" else 2))
    assert {surfer.download(upload) for upload in surfer.uploads("file")} == set(contents)


def test_a_file_that_is_chosen_twice_is_named_and_sent_once(surfer, tmp_path):
    files = twins(tmp_path, "save.dat", b"a" * 4096, b"a" * 4096)
    page = surfer.open("/files/")
    page.locator("input[multiple]:enabled").set_input_files(files)
    surfer.says("save.dat: You have chosen this file twice. It is sent once.")
    surfer.says("save.dat is uploaded.")
    assert len(surfer.uploads("file")) == 1
