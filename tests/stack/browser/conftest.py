"""A visitor with a real browser: Debian's Chromium, driven by Playwright, against the stack."""

import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Route, expect

from tests.support.chromium import chromium

from ..conftest import URL

MiB = 1024 * 1024
PART = 8 * MiB
STORAGE = f"http://localhost:{os.environ['S3_PORT']}"
PARTS = f"{STORAGE}/**"
# This runs before any script of the page. It records breaches of the policy, and the events that tests ask for.
WATCH = """
window.seen = {breaches: [], ready: []};
document.addEventListener("securitypolicyviolation", (event) => {
  window.seen.breaches.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
document.addEventListener("mayfly:ready", (event) => window.seen.ready.push(event.detail));
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@dataclass
class Surfer:
    """A person with a browser and a box of their own. `page` is the tab in front."""

    context: BrowserContext
    page: Page = None
    devtools: CDPSession = None
    errors: list[str] = field(default_factory=list)

    def open(self, path: str, *, page: Page | None = None) -> Page:
        """Open a page in this tab, or in `page`, and wait until it takes files."""
        self.page = page or self.page or self.tab()
        self.page.goto(URL + path)
        self.ready_for_files()
        return self.page

    def tab(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def ready_for_files(self) -> None:
        expect(self.page.locator(".upload-choose")).to_be_visible()

    def separate_links(self) -> None:
        """Let each of the files that are chosen together have a link of its own."""
        self.page.locator("[name=together][value='']").evaluate("radio => radio.click()")

    def upload(self, *files: Path) -> None:
        """Choose files with the button, which sends them."""
        with self.page.expect_file_chooser() as chooser:
            self.page.locator(".upload-choose").click()
        chooser.value.set_files(files)

    def see(self, name: str, *, seconds: float = 60) -> None:
        """Wait until the page lists an upload of this name."""
        expect(self.page.locator("main section").get_by_text(name, exact=True).first).to_be_visible(
            timeout=seconds * 1000
        )

    def says(self, text: str, *, seconds: float = 20) -> None:
        """Wait until the status contains this text."""
        expect(self.page.locator(".upload-status")).to_contain_text(text, timeout=seconds * 1000)

    def percent(self) -> int:
        """The percentage of the first file under way that the page shows as sent; 0 if there is none."""
        return int(self.page.evaluate("100 * (document.querySelector('.sending progress')?.position ?? 0)"))

    def until(self, true: Callable[[], object], *, seconds: float = 30) -> float:
        """Wait until `true()`, while the page goes on; returns the seconds that it took. Fails after `seconds`."""
        start = time.monotonic()
        while not true():
            assert time.monotonic() - start < seconds, f"not within {seconds} s"
            self.page.wait_for_timeout(100)
        return time.monotonic() - start

    def until_percent(self, least: int, *, seconds: float = 60) -> None:
        self.until(lambda: self.percent() >= least, seconds=seconds)

    def seen(self) -> list[dict]:
        """The uploads that the page has announced as ready."""
        return self.page.evaluate("window.seen.ready")

    def uploads(self, kind: str) -> list[dict]:
        """The uploads of this browser's box, by the API."""
        return self.context.request.get(f"{URL}/api/uploads?kind={kind}").json()["uploads"]

    def csrf(self) -> dict[str, str]:
        """The headers that an unsafe request needs."""
        token = self.page.locator("[name=csrfmiddlewaretoken]").first.input_value()
        return {"X-CSRFToken": token, "Origin": URL}

    def download(self, upload: dict) -> bytes:
        answer = httpx.get(upload["download"], follow_redirects=True, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.content

    def line(self, *, up: int = 0, offline: bool = False) -> None:
        """Set the connection: `up` bytes a second, 0 for no limit; or `offline`."""
        if self.devtools is None:
            self.devtools = self.context.new_cdp_session(self.page)
            self.devtools.send("Network.enable")
        self.devtools.send(
            "Network.emulateNetworkConditions",
            {"offline": offline, "latency": 40 if up else 0, "downloadThroughput": -1, "uploadThroughput": up or -1},
        )


@dataclass
class Line:
    """Records the parts that pages send to storage, and lets a test interfere."""

    sent: list[int] = field(default_factory=list)
    # Called with a part's number and its route. True means that it has answered, or that no answer is to come.
    meddle: Callable[[int, Route], bool] = lambda number, route: False

    def __call__(self, route: Route) -> None:
        if route.request.method == "PUT":
            number = int(parse_qs(urlsplit(route.request.url).query)["partNumber"][0])
            self.sent.append(number)
            if self.meddle(number, route):
                return
        route.continue_()


@pytest.fixture
def line(surfer) -> Line:
    """The line between the surfer's pages and storage."""
    line = Line()
    surfer.context.route(PARTS, line)
    return line


def refusal(status: int, code: str) -> dict:
    """An error of S3 that pages can read."""
    body = f"<Error><Code>{code}</Code></Error>"
    return {"status": status, "body": body, "headers": {"Access-Control-Allow-Origin": "*"}}


@pytest.fixture
def surfer(browser) -> Iterator[Surfer]:
    """A visitor in English. The test fails if the page breaks its content security policy."""
    with visit(browser) as surfer:
        yield surfer


@contextmanager
def visit(browser: Browser, **options) -> Iterator[Surfer]:
    # Playwright does not see the requests of a page that has a service worker.
    context = browser.new_context(**{"locale": "en", "service_workers": "block"} | options)
    context.set_default_timeout(20_000)
    context.add_init_script(WATCH)
    surfer = Surfer(context)
    yield surfer
    breaches = [
        breach
        for page in context.pages
        if options.get("java_script_enabled", True)
        for breach in page.evaluate("window.seen?.breaches ?? []")
    ]
    context.close()
    assert not breaches
    assert not surfer.errors


@pytest.fixture
def make(tmp_path) -> Callable[..., Path]:
    """A function that makes a file of random or given bytes: `make("film.mp4", 20 * MiB)`."""

    def file(name: str, content: int | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(random.randbytes(content) if isinstance(content, int) else content)
        return path

    return file


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def stored(page: Page) -> list[dict]:
    """The transfers that this browser remembers."""
    return json.loads(page.evaluate("localStorage.getItem('mayfly.transfers')") or "[]")


def interrupt(surfer, film) -> str:
    """Send some of `film`, leave the page, and come back. Returns the upload's id."""
    page = surfer.open("/files/")
    page.on("dialog", lambda dialog: dialog.accept())
    surfer.line(up=8_000_000)
    surfer.upload(film)
    surfer.until(lambda: stored(page) and stored(page)[0]["stored"] >= PART)
    page.reload()
    surfer.ready_for_files()
    surfer.line()
    return stored(page)[0]["id"]
