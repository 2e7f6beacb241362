"""Measure a first visit to My Images by a phone on a weak line: the bytes that it loads, and when it sees the page.

    tests/stack/with .venv/bin/python bench/phone.py

Chromium has the screen of a phone, a processor at a quarter of its speed, 1.6 Mbit/s and 150 ms to the server, as
Lighthouse takes for a slow 4G. Each of five visits has an empty cache. The bytes are those of all answers to the page,
with their headers, until nothing is under way; an upload would load no more. Beside them is what nginx has sent,
without headers: it includes what the service worker fetches afterwards. 20 s.
"""

import os
import re
import sys
from statistics import median
from typing import Any

from containers import names, said
from figures import ROOT, Row, record
from playwright.sync_api import Browser

sys.path.insert(0, str(ROOT))
from tests.support.chromium import chromium  # noqa: E402

URL = f"{os.environ['MAYFLY_URL']}/images/"
VISITS = 5
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
PHONE: dict[str, Any] = {"viewport": {"width": 412, "height": 823}, "device_scale_factor": 1.75, "is_mobile": True}
LARGEST = """
window.largest = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.largest.push([entry.startTime, entry.element?.outerHTML.slice(0, 80)]);
}).observe({type: "largest-contentful-paint", buffered: true});
"""


def sent() -> int:
    """The bytes of all answers' bodies that nginx has sent so far."""
    log = "".join(said("docker", "logs", name) for name in names("nginx"))
    return sum(map(int, re.findall(r"^[A-Z]+ 200 (\d+) bytes", log, re.MULTILINE)))


def visit(browser: Browser) -> tuple[float, float, float]:
    """Kilobytes of the page, and of all; the seconds until the largest thing on the screen was there."""
    before = sent()
    context = browser.new_context(**PHONE, has_touch=True, locale="en-GB")
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    received: dict[str, int] = {}
    names: dict[str, str] = {}
    devtools.on("Network.responseReceived", lambda event: names.update({event["requestId"]: event["response"]["url"]}))
    devtools.on(
        "Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]})
    )
    devtools.send("Network.enable")
    devtools.send("Network.emulateNetworkConditions", LINE)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.add_init_script(LARGEST)
    page.goto(URL, wait_until="networkidle")
    page.wait_for_timeout(500)
    painted, what = page.evaluate("largest.at(-1)")
    for request, size in received.items():
        print(f"  {size:>6.0f} {names.get(request, '?').removeprefix(os.environ['MAYFLY_URL'])}")
    print(f"  {painted / 1000:.2f} s: {what}", flush=True)
    page.wait_for_timeout(2000)  # for the service worker
    context.close()
    return sum(received.values()) / 1000, (sent() - before) / 1000, painted / 1000


def main() -> None:
    with chromium() as browser:
        visits = [visit(browser) for _ in range(VISITS)]
    size, all_sent, seconds = (median(values) for values in zip(*visits, strict=True))
    shown = f"{size:.1f} kB ({all_sent:.1f} kB of bodies with the service worker's); seen after {seconds:.2f} s"
    limit = "≤ 60 kB; ≤ 1.5 s"
    what = "My Images, first visit of a phone with a slow 4G line"
    record(
        Row("13", what, "bytes with headers, and largest contentful paint", shown, limit, size <= 60 and seconds <= 1.5)
    )


if __name__ == "__main__":
    main()
