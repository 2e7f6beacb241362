"""A visitor with a real browser: Debian's Chromium, driven by Playwright, against the stack."""

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, Route, expect, sync_playwright

from ..conftest import URL

MiB = 1024 * 1024
PART = 8 * MiB
STORAGE = f"http://localhost:{os.environ['S3_PORT']}"
PARTS = f"{STORAGE}/**"
# What the strictest page would say of itself. It counts where the app says nothing yet; a breach fails the test.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; form-action 'self'; "
    f"connect-src 'self' {STORAGE}; base-uri 'none'; frame-ancestors 'none'"
)
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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=[
                "--no-sandbox",  # there is none where the tests run as root
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                # A page whose headers a test has changed counts as one from the internet, which may not reach this machine.
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
            self.page.get_by_role("button", name="choose them").first.click()
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

    def until_percent(self, least: int, *, seconds: float = 60) -> None:
        self.page.wait_for_function(
            "least => Number(document.querySelector('.uppy-StatusBar-progress')?.getAttribute('aria-valuenow')) >= least",
            arg=least,
            timeout=seconds * 1000,
        )

    def uploads(self, kind: str) -> list[dict]:
        """What the box holds, by the API, with this browser's cookie."""
        return self.context.request.get(f"{URL}/api/uploads?kind={kind}").json()["uploads"]

    def download(self, upload: dict) -> bytes:
        return httpx.get(upload["download"], follow_redirects=True, timeout=60).content

    def slow(self, *, up: int, page: Page | None = None) -> CDPSession:
        """A line that sends `up` bytes a second; 0 for one without limit."""
        session = self.context.new_cdp_session(page or self.page)
        session.send("Network.enable")
        session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 40 if up else 0, "downloadThroughput": -1, "uploadThroughput": up or -1},
        )
        return session


@dataclass
class Puts:
    """The parts that a page sends to storage, by number, as often as it does; and what stands in their way."""

    sent: list[int] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    answer: Callable[[int, Route], bool] = lambda number, route: False

    def __call__(self, route: Route) -> None:
        request = route.request
        if request.method == "PUT":
            number = int(request.url.split("partNumber=")[1].split("&")[0])
            self.sent.append(number)
            if self.answer(number, route):
                return
        route.continue_()


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
    context.route(lambda url: url.startswith(URL), _with_policy)
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


def _with_policy(route: Route) -> None:
    request = route.request
    if request.resource_type != "document" or request.method != "GET" or not urlsplit(request.url).path.endswith("s/"):
        route.continue_()
        return
    response = route.fetch()
    route.fulfill(response=response, headers={"content-security-policy": POLICY} | response.headers)


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
