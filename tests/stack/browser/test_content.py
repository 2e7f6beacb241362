"""Uploaded content never runs, neither on our pages nor in a download."""

import pytest
from playwright.sync_api import expect

from ..conftest import URL

RUN = "window.ran=true;document.title='ran'"
SCRIPTS = {
    "drawing.svg": f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"><script>{RUN}</script></svg>',
    "page.html": f'<!doctype html><script>{RUN}</script><img src=x onerror="{RUN}">',
    "page.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><script>{RUN}</script></html>',
}
NAMES = (
    f"<img src=x onerror={RUN}>.txt",
    f'"><svg onload={RUN}>.txt',
    "javascript:alert(1).txt",
    "{{ 7*7 }}${7*7}.txt",
)


def nothing_ran(page) -> None:
    page.wait_for_timeout(300)
    assert not page.evaluate("window.ran")
    assert page.title() != "ran"
    assert page.evaluate("document.querySelectorAll('main img[src=x], main svg[onload]').length") == 0


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_file_with_a_script_is_saved_and_never_runs(surfer, make, name):
    file = make(name, SCRIPTS[name].encode())
    page = surfer.open("/files/")
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    surfer.upload(file)
    nothing_ran(page)
    surfer.see(name)
    nothing_ran(page)
    with page.expect_download() as download:
        page.locator("#uploads a[href$='/download']").click()
    assert download.value.suggested_filename == name
    assert download.value.path().read_bytes() == file.read_bytes()
    page.goto(surfer.uploads("file")[0]["link"])
    nothing_ran(page)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_markup_in_a_name_as_text(surfer, make, name):
    page = surfer.open("/files/")
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    surfer.upload(make(name.replace("/", "_"), b"hello"))
    nothing_ran(page)
    surfer.see(name)
    nothing_ran(page)
    page.goto(surfer.uploads("file")[0]["link"])
    expect(page.locator("h1")).to_have_text(name)
    nothing_ran(page)


def test_the_status_shows_markup_in_a_name_as_text(surfer, make):
    name = f"<img src=x onerror={RUN}>.bin"
    page = surfer.open("/files/")
    page.route(f"{URL}/api/uploads", lambda route: route.fulfill(status=400, json={"error": {"message": f"<b>{name}"}}))
    surfer.upload(make(name, b"hello"))
    surfer.says(f"{name}: <b>{name}")
    nothing_ran(page)
    entry = {"id": "x" * 22, "kind": "file", "identity": f'["{name}", 5, 0]', "size": 5, "partSize": 5, "stored": 2}
    page.route("**/parts", lambda route: route.fulfill(json={"parts": [{"number": 1, "size": 2}]}))
    page.evaluate("entry => localStorage.setItem('mayfly.transfers', JSON.stringify([entry]))", entry)
    page.reload()
    expect(page.locator(".upload-interrupted")).to_contain_text(f"{name} was interrupted at 40%.")
    nothing_ran(page)
