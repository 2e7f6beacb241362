"""A visitor with a real browser: Debian's Chromium, driven by Playwright, against the stack."""

import hashlib
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Route, expect, sync_playwright

from ..conftest import URL

MiB = 1024 * 1024
PART = 8 * MiB
STORAGE = f"http://localhost:{os.environ['S3_PORT']}"
PARTS = f"{STORAGE}/**"
# Told by the page before anything of its own runs: what broke the policy, and what a test wants to know of events.
WATCH = """
window.seen = {breaches: [], ready: []};
document.addEventListener("securitypolicyviolation", (event) => {
  window.seen.breaches.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
document.addEventListener("mayfly:ready", (event) => window.seen.ready.push(event.detail));
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "These tests need a browser: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",  # there is none where the tests run as root
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                # A page whose headers a test has changed counts as one from the internet, which may not come here.
                "--disable-features=LocalNetworkAccessChecks",
            ],
        )
        yield browser
        browser.close()


@dataclass
class Surfer:
    """Somebody with a browser and a box of their own. `page` is the tab they look at."""

    context: BrowserContext
    page: Page = None
    devtools: CDPSession = None
    errors: list[str] = field(default_factory=list)

    def open(self, path: str, *, page: Page | None = None) -> Page:
        """Open a page in this tab, or in another one, and wait until it can take files."""
        self.page = page or self.page or self.tab()
        self.page.goto(URL + path)
        self.ready_for_files()
        return self.page

    def tab(self) -> Page:
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def ready_for_files(self) -> None:
        expect(self.page.locator(".uppy-Dashboard-inner")).to_be_visible()
        expect(self.page.locator(".uppy-Dashboard-input").first).to_be_attached()

    def choose(self, *files: Path) -> None:
        """By the button, as most people do."""
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Choose files").first.click()
        chooser.value.set_files(files)

    def send(self) -> None:
        self.page.locator(".uppy-StatusBar-actionBtn--upload").click()

    def upload(self, *files: Path) -> None:
        self.choose(*files)
        self.send()

    def see(self, name: str, *, seconds: float = 60) -> None:
        """Wait until an upload of this name is on the page, to be downloaded."""
        expect(self.page.locator("main section").get_by_text(name, exact=True).first).to_be_visible(
            timeout=seconds * 1000
        )

    def says(self, text: str, *, seconds: float = 20) -> None:
        """Wait until the status says so."""
        expect(self.page.locator(".upload-status")).to_contain_text(text, timeout=seconds * 1000)

    def percent(self) -> int:
        """How much of all files the page says is sent."""
        bar = self.page.locator(".uppy-StatusBar-progress")
        return int(bar.get_attribute("aria-valuenow") or 0) if bar.count() else 0

    def until(self, true: Callable[[], object], *, seconds: float = 30) -> float:
        """Wait until `true()`, with the page alive meanwhile; returns after how many seconds, or fails."""
        start = time.monotonic()
        while not true():
            assert time.monotonic() - start < seconds, f"not within {seconds} s"
            self.page.wait_for_timeout(100)
        return time.monotonic() - start

    def until_percent(self, least: int, *, seconds: float = 60) -> None:
        self.until(lambda: self.percent() >= least, seconds=seconds)

    def seen(self) -> list[dict]:
        """The uploads of which the page has said that they are ready."""
        return self.page.evaluate("window.seen.ready")

    def uploads(self, kind: str) -> list[dict]:
        """What the box holds, by the API, with this browser's cookie."""
        return self.context.request.get(f"{URL}/api/uploads?kind={kind}").json()["uploads"]

    def csrf(self) -> dict[str, str]:
        """The headers that a change needs which the page's own script would make."""
        token = self.page.locator("[name=csrfmiddlewaretoken]").first.input_value()
        return {"X-CSRFToken": token, "Origin": URL}

    def download(self, upload: dict) -> bytes:
        answer = httpx.get(upload["download"], follow_redirects=True, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.content

    def line(self, *, up: int = 0, offline: bool = False) -> None:
        """The connection from now on: `up` bytes a second, 0 for no limit; or none at all."""
        if self.devtools is None:
            self.devtools = self.context.new_cdp_session(self.page)
            self.devtools.send("Network.enable")
        self.devtools.send(
            "Network.emulateNetworkConditions",
            {"offline": offline, "latency": 40 if up else 0, "downloadThroughput": -1, "uploadThroughput": up or -1},
        )


@dataclass
class Line:
    """The parts that pages send to storage, as often as they do, and what a test puts in their way."""

    sent: list[int] = field(default_factory=list)
    # Called with a part's number and its route; True means that it has answered, or never will.
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
    """Between the surfer's pages and storage."""
    line = Line()
    surfer.context.route(PARTS, line)
    return line


def refusal(status: int, code: str) -> dict:
    """An answer of S3 that pages may read."""
    body = f"<Error><Code>{code}</Code></Error>"
    return {"status": status, "body": body, "headers": {"Access-Control-Allow-Origin": "*"}}


@pytest.fixture
def surfer(browser) -> Iterator[Surfer]:
    """A visitor in English with a strict content security policy, which nothing on the page may break."""
    with visit(browser) as surfer:
        yield surfer


@contextmanager
def visit(browser: Browser, **options) -> Iterator[Surfer]:
    context = browser.new_context(**{"locale": "en"} | options)
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
    """A file of random bytes: `make("film.mp4", 20 * MiB)`."""

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
