"""The service worker in Chromium: an app that is offline, and files that a phone shares."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.samples import PNG

from ..conftest import URL
from .conftest import Surfer, visit
from .looking import no_barrier

# As a phone posts what it shares: a form, whose answer takes the place of the page.
SHARE = """files => {
  const form = document.createElement("form"), field = document.createElement("input"), chosen = new DataTransfer();
  Object.assign(form, {method: "post", enctype: "multipart/form-data", action: "/app/shared/"});
  Object.assign(field, {type: "file", name: "file", multiple: true});
  for (const [name, type, content] of files) chosen.items.add(new File([content], name, {type}));
  field.files = chosen.files;
  form.append(field);
  document.body.append(form);
  form.submit();
}"""
# An installed app's window, which Chromium opens for no test.
INSTALLED = """
const ask = window.matchMedia.bind(window);
window.matchMedia = (query) => query === "(display-mode: standalone)" ? {matches: true} : ask(query);
"""
NOTES = ["notes.txt", "text/plain", "shared by a phone"]


@pytest.fixture
def surfer(browser) -> Iterator[Surfer]:
    """A visitor whose browser has taken the worker."""
    with visit(browser, service_workers="allow") as surfer:
        taken(surfer.open("/images/"))
        yield surfer


def taken(page: Page) -> str:
    """Wait until a worker is in charge of the site. Returns the address of its script."""
    return page.evaluate(
        """async () => {
          const {active} = await navigator.serviceWorker.ready;
          if (active.state !== "activated") await new Promise((go) => active.addEventListener("statechange", go));
          return active.scriptURL;
        }"""
    )


def cached(page: Page) -> list[str]:
    """The paths of all that any cache of the site has."""
    return page.evaluate(
        """async () => {
          const all = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
          return all.flat().map(({url}) => new URL(url).pathname);
        }"""
    )


def share(page: Page, *files: list[str]) -> None:
    page.evaluate(SHARE, list(files))


def test_chromium_finds_nothing_that_bars_an_installation(surfer):
    devtools = surfer.context.new_cdp_session(surfer.page)
    assert devtools.send("Page.getAppManifest")["errors"] == []
    bars = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {bar["errorId"] for bar in bars} <= {"in-incognito"}  # as every window of these tests is


def test_the_worker_caches_nothing_of_a_visitor(surfer, make):
    """Case 86."""
    surfer.page.reload()
    surfer.ready_for_files()
    surfer.upload(make("picture.png", PNG))
    surfer.see("picture.png")
    surfer.open("/files/")
    surfer.upload(make("notes.txt", b"hello"))
    surfer.see("notes.txt")
    [upload] = surfer.uploads("file")
    surfer.page.goto(upload["link"])
    paths = cached(surfer.page)
    assert "/app/offline/" in paths
    assert all(path == "/app/offline/" or "/static/mayfly/mayfly." in path for path in paths)


def test_a_page_without_a_network_says_so_and_comes_back(surfer):
    page = surfer.page
    surfer.context.set_offline(True)
    page.goto(f"{URL}/files/")
    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()
    # It has its style, also where the browser's own cache lacks it.
    assert page.evaluate("getComputedStyle(document.body).display") == "flex"
    no_barrier(page)
    surfer.context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="My Files")).to_be_visible()


def test_another_language_brings_a_new_worker_and_its_words(surfer):
    page = surfer.page
    assert taken(page).endswith("?en")
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", name="Mis imágenes")).to_be_visible()
    surfer.until(lambda: taken(page).endswith("?es"))
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then(({length}) => length)") == 1
    surfer.context.set_offline(True)
    page.goto(f"{URL}/images/")
    expect(page.get_by_role("heading", name="No tienes conexión")).to_be_visible()


def test_a_worker_with_other_files_forgets_the_old_ones(surfer):
    """Case 86."""
    page = surfer.page
    page.evaluate(
        "caches.open('mayfly').then((cache) => cache.put('/static/mayfly/mayfly.old.css', new Response('x')))"
    )
    assert "/static/mayfly/mayfly.old.css" in cached(page)
    page.get_by_role("button", name="Español").click()
    surfer.until(lambda: taken(page).endswith("?es"))
    surfer.until(lambda: "/static/mayfly/mayfly.old.css" not in cached(page))


def test_a_download_and_its_parts_pass_by_the_worker(surfer, make):
    """Case 86: a part by Range, the redirect and its no-store are as without a worker."""
    surfer.open("/files/")
    surfer.upload(make("notes.txt", b"0123456789"))
    surfer.see("notes.txt")
    [upload] = surfer.uploads("file")
    with surfer.page.expect_download() as download:
        surfer.page.get_by_role("link", name="Download").first.click()
    assert download.value.path().read_bytes() == b"0123456789"
    fetched = surfer.page.evaluate(
        """async (address) => {
          const answer = await fetch(address, {headers: {Range: "bytes=2-4"}});
          return [answer.status, await answer.text(), answer.redirected];
        }""",
        upload["download"],
    )
    assert fetched == [206, "234", True]


def test_files_that_an_installed_app_is_given_are_uploaded(browser):
    with visit(browser, service_workers="allow") as surfer:
        surfer.context.add_init_script(INSTALLED)
        taken(surfer.open("/images/"))
        share(surfer.page, NOTES)
        surfer.page.wait_for_url("**/files/**")
        surfer.see("notes.txt")
        [upload] = surfer.uploads("file")
        assert surfer.download(upload) == b"shared by a phone"
        assert not surfer.page.url.endswith("#shared")
        surfer.page.reload()
        surfer.ready_for_files()
        assert len(surfer.uploads("file")) == 1


@pytest.mark.parametrize(
    ("files", "page"),
    [
        ([["a.png", "image/png", "x"]], "/images/"),
        ([["a.png", "image/png", "x"]] * 4, "/files/"),
        ([["a.png", "image/png", "x"], NOTES], "/files/"),
        ([["a.heic", "image/heic", "x"]], "/files/"),
    ],
    ids=["an image", "more images than stay", "an image and a text", "an image that cannot be shown"],
)
def test_what_is_shared_leads_to_the_page_that_takes_it(surfer, files, page):
    share(surfer.page, *files)
    expect(surfer.page.get_by_role("dialog")).to_be_visible()
    assert surfer.page.url == URL + page


def test_files_that_a_page_hands_over_wait_for_a_yes(surfer):
    """Case 85."""
    page = surfer.page
    share(page, NOTES)
    dialog = page.get_by_role("dialog", name="Upload this file?")
    expect(dialog).to_contain_text("notes.txt")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_have_count(0)
    page.reload()
    surfer.ready_for_files()
    expect(dialog).to_have_count(0)
    assert surfer.uploads("file") == []
    share(page, NOTES)
    dialog.get_by_role("button", name="Upload").click()
    surfer.see("notes.txt")


def test_a_share_that_a_page_already_took_is_named_as_missing(surfer):
    page = surfer.page
    page.reload()
    surfer.ready_for_files()
    page.evaluate("location.hash = '#shared'")
    page.reload()
    surfer.says("The shared files did not arrive here.")
