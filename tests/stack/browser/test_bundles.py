"""Files that are chosen together: one link for all, whatever happens on the way."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.samples import PNG

from ..conftest import URL
from .conftest import MiB, Surfer, visit
from .looking import looked_at

CARD = ".sending li"
NAMES = ("a.bin", "b.bin", "c.bin")


def files(make, *names: str, size: int = 100) -> list:
    return [make(name, size) for name in names or NAMES]


def bundles(surfer: Surfer) -> list[dict]:
    """The bundles of this browser's box, by the API."""
    return surfer.context.request.get(f"{URL}/api/bundles").json()["bundles"]


def names(bundle: dict) -> list[str]:
    return sorted(upload["name"] for upload in bundle["uploads"])


def complete(surfer: Surfer) -> dict:
    """Wait until the box has one bundle, which is complete and has a card in the list; returns it."""
    surfer.until(lambda: [bundle["state"] for bundle in bundles(surfer)] == ["ready"])
    [bundle] = bundles(surfer)
    expect(surfer.page.locator(f"#bundle-{bundle['id']}")).to_be_visible()
    expect(surfer.page.locator(CARD)).to_have_count(0)
    return bundle


def refuse(page, name: str) -> None:
    """Let the server refuse every file of this name."""

    def meddle(route):
        wish = json.loads(route.request.post_data or "{}")
        if route.request.method == "POST" and wish.get("name") == name:
            route.fulfill(status=422, json={"error": {"code": "too_large", "message": "This is too large."}})
        else:
            route.continue_()

    page.route("**/api/uploads", meddle)


def test_files_that_are_chosen_together_get_one_link(surfer, make):
    page = surfer.open("/files/")
    page.locator("#id_title").fill("for Ana")
    surfer.upload(*files(make))
    bundle = complete(surfer)
    assert (bundle["title"], names(bundle)) == ("for Ana", list(NAMES))
    card = page.locator(f"#bundle-{bundle['id']}")
    expect(card.get_by_role("button", name="Copy link")).to_be_focused()
    expect(card.get_by_label("Link to share")).to_have_value(bundle["link"])


def test_separate_links_are_one_switch_away_and_stay_chosen(surfer, make):
    page = surfer.open("/images/")
    page.get_by_text("More choices").click()
    page.get_by_text("Separate links").click()
    expect(page.locator(".more summary")).to_have_text("More choices · separate links")
    surfer.open("/files/")
    surfer.upload(*files(make))
    surfer.until(lambda: len(surfer.uploads("file")) == 3)
    assert bundles(surfer) == []


def test_a_visitor_decides_about_a_bundle_with_a_failed_file(surfer, make):
    page = surfer.open("/files/")
    refuse(page, "b.bin")
    surfer.upload(*files(make))
    surfer.says("b.bin: This is too large.")
    whole = page.locator(CARD).first
    expect(whole.locator(".facts")).to_contain_text("2 of 3 have arrived")
    assert [bundle["state"] for bundle in bundles(surfer)] == ["open"]
    whole.get_by_role("button", name="Finish without this file").click()
    assert names(complete(surfer)) == ["a.bin", "c.bin"]
    expect(page.locator(".upload-faults li")).to_have_count(0)


def test_a_lost_answer_makes_no_second_bundle(surfer, make):
    page = surfer.open("/files/")
    lost = []

    def lose(route):
        if lost:
            route.continue_()
            return
        lost.append(route.fetch())
        route.abort()

    page.route("**/api/bundles", lambda route: lose(route) if route.request.method == "POST" else route.continue_())
    surfer.upload(*files(make))
    assert names(complete(surfer)) == list(NAMES)


@pytest.mark.parametrize("kind", ["file", "image"])
def test_a_bundle_goes_on_after_a_reload_with_the_same_files(surfer, make, kind):
    page = surfer.open(f"/{kind}s/")
    page.on("dialog", lambda dialog: dialog.accept())
    if kind == "file":
        chosen = [make("small.bin", 100), make("film.bin", 12 * MiB)]
    else:
        chosen = [make(f"{name}.png", PNG + name.encode() + bytes(size)) for name, size in (("a", 1), ("b", 5 * MiB))]
    surfer.line(up=1_000_000)
    surfer.upload(*chosen)
    surfer.until(lambda: [names(bundle) for bundle in bundles(surfer) if len(bundle["uploads"]) == 2])
    surfer.until(lambda: [upload for upload in bundles(surfer)[0]["uploads"] if upload["state"] == "ready"])
    [before] = bundles(surfer)
    page.reload()
    surfer.ready_for_files()
    surfer.line()
    row = page.locator(".upload-interrupted li")
    expect(row).to_contain_text("1 of 2 files have arrived")
    surfer.upload(*chosen)
    expect(row).to_have_count(0)
    after = complete(surfer)
    assert (after["id"], names(after)) == (before["id"], names(before))


def test_an_interrupted_bundle_is_finished_without_the_rest_or_discarded(surfer, make):
    for button in ("Finish without them", "Discard"):
        page = surfer.open("/files/")
        refuse(page, "b.bin")
        surfer.upload(*files(make))
        expect(page.locator(CARD).first.locator(".facts")).to_contain_text("2 of 3 have arrived")
        page.reload()
        surfer.ready_for_files()
        page.locator(".upload-interrupted").get_by_role("button", name=button).click()
        if button == "Discard":
            page.get_by_role("dialog").get_by_role("button", name="Discard").click()
            surfer.until(lambda: not bundles(surfer))
        else:
            assert names(complete(surfer)) == ["a.bin", "c.bin"]
            surfer.context.request.delete(f"{URL}/api/bundles/{bundles(surfer)[0]['id']}", headers=surfer.csrf())
        expect(page.locator(".upload-interrupted li")).to_have_count(0)


def test_a_bundle_that_is_deleted_while_it_travels_ends_with_a_reason(surfer, make):
    page = surfer.open("/files/")
    surfer.line(up=500_000)
    surfer.upload(*files(make, size=2 * MiB))
    surfer.until(lambda: [bundle for bundle in bundles(surfer) if len(bundle["uploads"]) == 3])
    surfer.context.request.delete(f"{URL}/api/uploads?kind=file", headers=surfer.csrf())
    surfer.line()
    surfer.says("3 files under one link: The link was given up before it was complete")
    expect(page.locator(CARD)).to_have_count(0)
    assert (bundles(surfer), surfer.uploads("file")) == ([], [])


def test_a_bundle_that_its_visitor_gives_up_leaves_nothing(surfer, make):
    page = surfer.open("/files/")
    surfer.line(up=500_000)
    surfer.upload(*files(make, size=2 * MiB))
    surfer.until(lambda: [bundle for bundle in bundles(surfer) if len(bundle["uploads"]) == 3])
    page.get_by_role("button", name="Cancel 3 files under one link").click()
    expect(page.locator(CARD)).to_have_count(0)
    surfer.until(lambda: not bundles(surfer))
    expect(page.locator(".upload-faults li")).to_have_count(0)


def test_a_bundle_waits_for_a_lost_connection_and_goes_on_by_itself(surfer, make):
    page = surfer.open("/files/")
    held = []
    page.route("**/api/bundles/*/complete", lambda route: held.append(route))
    surfer.upload(*files(make))
    surfer.until(lambda: held)
    surfer.line(offline=True)
    held[0].abort()
    surfer.says("No connection.")
    page.unroute("**/api/bundles/*/complete")
    surfer.line()
    complete(surfer)


def test_a_bundle_of_images_counts_as_one_of_those_that_stay(surfer, make):
    page = surfer.open("/images/")
    surfer.upload(make("single.png", PNG))
    surfer.see("single.png")
    surfer.upload(*(make(f"{number}.png", PNG + str(number).encode()) for number in range(5)))
    bundle = complete(surfer)
    assert len(bundle["uploads"]) == 5
    assert len(surfer.uploads("image")) == 6
    expect(page.locator(".upload-faults li")).to_have_count(0)


def test_the_link_can_be_passed_on_while_the_files_travel(surfer, make):
    page = surfer.open("/files/")
    surfer.line(up=1_000_000)
    surfer.upload(*files(make, size=1 * MiB))
    whole = page.locator(CARD).first
    expect(whole.get_by_role("heading")).to_have_text("3 files under one link")
    link = whole.get_by_label("Link to share").input_value()
    whole.get_by_label("Title").fill("from Lisbon")
    whole.get_by_role("button", name="Pause").click()
    expect(whole.locator(".facts")).to_have_text(re.compile("^0 of 3 have arrived · Paused · "))
    expect(page.get_by_role("button", name="Cancel b.bin")).to_be_visible()
    surfer.line()
    whole.get_by_role("button", name="Resume").click()
    bundle = complete(surfer)
    assert (bundle["link"], bundle["title"]) == (link, "from Lisbon")


def test_a_bundle_under_way_has_no_barrier(surfer, make):
    page = surfer.open("/files/")
    refuse(page, "c.bin")
    surfer.upload(*files(make, "a.bin", "c.bin"))
    expect(page.get_by_role("button", name="Finish without this file")).to_be_visible()
    looked_at(page, "bundle")


def test_the_plain_form_sends_its_files_under_one_link(browser, make):
    with visit(browser, java_script_enabled=False) as surfer:
        page = surfer.tab()
        page.goto(f"{URL}/files/")
        page.locator("input[type=file]").set_input_files(files(make))
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("[id^=bundle-]")).to_have_count(1)
        assert [names(bundle) for bundle in bundles(surfer)] == [list(NAMES)]
        page.get_by_text("More choices").click()
        page.get_by_text("Separate links").click()
        page.locator("input[type=file]").set_input_files(files(make, "d.bin", "e.bin"))
        page.get_by_role("button", name="Upload").click()
        expect(page.locator("[id^=upload-]")).to_have_count(2)
        assert len(bundles(surfer)) == 1
