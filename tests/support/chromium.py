"""Debian's Chromium for tests, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """A running Chromium, with `more` arguments of its command line."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=Path(__file__).with_name("unaware.py"),
            args=[
                "--no-sandbox",  # Chromium has no sandbox for root
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                # A page whose headers a test has changed counts as one from the internet, which may not come here.
                "--disable-features=LocalNetworkAccessChecks",
                *more,
            ],
        )
        yield browser
        browser.close()
