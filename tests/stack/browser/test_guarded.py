"""A recipient of an upload with a password, or with a limit on downloads: the forms lead to the bytes in storage."""

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.support.client import ApiClient, Http

from ..conftest import URL
from .conftest import visit

CONTENT = b"for a few only\n" * 20


@pytest.fixture
def sender():
    """A client of the API with a box of its own."""
    with httpx.Client(base_url=URL, timeout=60) as client:
        yield ApiClient(Http(client))


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without one"])
def test_a_recipient_types_the_password_and_downloads(browser, sender, script):
    upload = sender.upload(CONTENT, name="notes.txt", password="open sesame", downloads=2)
    with visit(browser, java_script_enabled=script) as surfer:
        page = surfer.tab()
        page.goto(upload["link"])
        expect(page.get_by_role("heading")).to_have_text("A password is needed")
        assert "notes.txt" not in page.content()
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_text("This is not the password.")).to_be_visible()
        page.get_by_label("Password").fill("open sesame")
        page.get_by_role("button", name="Open").click()
        expect(page.get_by_text("2 downloads left")).to_be_visible()
        for _ in range(2):  # the second click goes on with the first download
            with page.expect_download() as download:
                page.get_by_role("button", name="Download").click()
            assert Path(download.value.path()).read_bytes() == CONTENT
        page.reload()
        expect(page.get_by_text("1 download left")).to_be_visible()
    assert sender.get(f"/api/uploads/{upload['id']}").json()["downloads"] == {"most": 2, "taken": 1}


def test_the_last_download_leaves_others_the_receipt(browser, sender):
    upload = sender.upload(CONTENT, name="notes.txt", downloads=1)
    with visit(browser) as surfer, visit(browser) as other:
        page, late = surfer.tab(), other.tab()
        late.goto(upload["link"])
        page.goto(upload["link"])
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert Path(download.value.path()).read_bytes() == CONTENT
        late.get_by_role("button", name="Download").click()
        expect(late.get_by_text("All its downloads were taken.")).to_be_visible()
