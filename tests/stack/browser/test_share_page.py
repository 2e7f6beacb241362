"""The share page as its owner and a recipient see it: what the upload is, until when, and what became of it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.support.documents import pdf
from tests.support.samples import PNG

from ..conftest import URL
from .conftest import visit
from .looking import looked_at, sent

PLACES = {"America/Sao_Paulo": "en", "Asia/Kolkata": "es", "Europe/Lisbon": "pt-BR"}
TEXT = b"#!/bin/sh\n<script>document.body.remove()</script>\n" + b"\techo hello\n" * 30


@pytest.mark.parametrize("zone", PLACES)
def test_a_recipient_reads_every_moment_by_their_own_clock(browser, surfer, zone):
    surfer.open("/files/")
    upload = sent(surfer, "brief.txt", lifetime=600)
    local = datetime.fromisoformat(upload["expires_at"]).astimezone(ZoneInfo(zone))
    minute, second = (f"{local:{form}}".removeprefix("0") for form in ("%H:%M", "%H:%M:%S"))  # some write 01 as 1
    with visit(browser, locale=PLACES[zone], timezone_id=zone) as recipient:
        page = recipient.page = recipient.tab()
        page.goto(upload["link"])
        gone = page.locator("time[data-at=zone]")
        expect(gone).to_contain_text(re.compile(rf"{minute}\W+(GMT|UTC|[A-Z]{{2,4}}T)"))
        expect(gone).to_have_attribute("title", re.compile(second))
        surfer.page.goto(upload["link"])
        surfer.page.get_by_role("button", name="Delete now").click()
        page.goto(upload["link"])
        expired = page.locator(".receipt time").nth(1)
        expect(expired).to_contain_text(second)
        expect(expired).to_contain_text(str(local.year))
        expect(expired).not_to_contain_text("UTC")


def test_a_recipient_downloads_and_an_owner_passes_on(browser, surfer):
    surfer.open("/files/")
    upload = sent(surfer, "brief.txt")
    filled = ".does :is(button, .button):visible:not(.quiet)"
    surfer.page.goto(upload["link"])
    expect(surfer.page.locator(filled)).to_have_text("Copy link")
    with visit(browser) as recipient:
        page = recipient.page = recipient.tab()
        page.goto(upload["link"])
        expect(page.locator(filled)).to_have_text("Download")
        expect(page.locator("nav [aria-current]")).to_have_count(0)


def test_an_owner_learns_that_the_upload_was_fetched(browser, surfer):
    surfer.open("/files/")
    upload = sent(surfer, "brief.txt", lifetime=600)
    page = surfer.open("/files/")
    expect(page.get_by_text("Fetched")).to_have_count(0)
    surfer.download(upload)
    # The list is read again when its tab comes to the front.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".newest").get_by_text(re.compile(r"^Fetched once, \d\d:\d\d$"))).to_be_visible()
    page.goto(upload["link"])
    expect(page.get_by_text("Fetched once, ")).to_be_visible()


def test_a_phone_shows_what_a_file_is_and_the_way_to_it(browser, surfer):
    surfer.open("/files/")
    uploads = {
        "pdf": sent(surfer, "the plan.pdf", content=pdf(), lifetime=600),
        "text": sent(surfer, "notes.sh", content=TEXT, lifetime=600),
        "image": sent(surfer, "dot.png", content=PNG, lifetime=600),
        "archive": sent(surfer, "photos.zip", content=b"PK\x03\x04" + bytes(100), lifetime=600),
    }
    for sort, upload in uploads.items():
        with visit(browser, viewport={"width": 390, "height": 844}) as recipient:
            page = recipient.page = recipient.tab()
            page.goto(upload["link"])
            if sort != "archive":  # the page shows its preview as soon as there is one
                expect(page.locator(".large, .lines")).to_be_visible(timeout=60_000)
            if sort in ("pdf", "image"):
                recipient.until(lambda page=page: page.locator(".large").evaluate("image => image.naturalWidth > 0"))
            expect(page.get_by_role("link", name="Download")).to_be_in_viewport()
            if sort == "text":
                expect(page.locator("pre")).to_contain_text("<script>document.body.remove()</script>")
            looked_at(page, f"share-{sort}")


@pytest.mark.parametrize(("downlink", "words"), [(1.6, "· about 40 seconds on this connection"), (10, "")])
def test_a_slow_line_shows_how_long_a_download_takes(browser, surfer, downlink, words):
    surfer.open("/files/")
    upload = sent(surfer, "film.mp4", content=bytes(8_000_000), lifetime=600)
    with visit(browser) as recipient:
        recipient.context.add_init_script(
            f"Object.defineProperty(NetworkInformation.prototype, 'downlink', {{get: () => {downlink}}})"
        )
        page = recipient.page = recipient.tab()
        page.goto(upload["link"])
        expect(page.locator("[data-bytes]")).to_have_text(words)


def test_a_page_that_could_not_be_had_loads_itself_again(surfer):
    page = surfer.page = surfer.tab()
    answers = []

    def fail_once(route):
        answers.append(route.fetch())
        body = answers[0].text().replace("<main", '<main data-again="1"')
        route.fulfill(status=503, body=body, headers=answers[0].headers) if len(answers) == 1 else route.continue_()

    page.route(f"{URL}/forget/", fail_once)
    page.goto(f"{URL}/forget/")
    expect(page.locator("main[data-again]")).to_have_count(0, timeout=10_000)
    assert len(answers) == 2
