"""Measure pages under load: requests a second, the time of the slowest in a hundred, and the processor of each service.

    COMPOSE_FILE=docker-compose.yml:tests/stack/docker-compose.yml:bench/docker-compose.yml \
      tests/stack/with .venv/bin/python bench/load.py

`wrk` asks over 16 connections for two seconds at a time, in turn: My Images with three images, My Files with one, the
share page of an image, and a view that answers a constant, all through the same nginx and gunicorn. Beside them run the
page of the earlier versions (earlier/page.py), and the listing of copyparty, which has no database and no visitors and
draws its list by script. All share this machine's cores with wrk. About 100 s.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import pyvips
from containers import processor
from database import create
from figures import ROOT, Row, ratios, record, spread

URL = os.environ["MAYFLY_URL"].replace("localhost", "127.0.0.1")
DATABASE = os.environ["STACK_DATABASE_URL"]
SERVICES = ("web", "nginx", "postgres")
ROUNDS, SECONDS, CONNECTIONS = 5, 2, 16
EARLIER_PORT, COPYPARTY_PORT = 8097, 8098
NAME = "mayfly_bench_earlier"


@dataclass
class Target:
    """An address under load, and a figure of each for every round. `services` are asked for their processor time."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    rates: list[float] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)
    processor: dict[str, list[float]] = field(default_factory=dict)

    def measure(self) -> None:
        before = {service: processor(service) for service in self.services}
        requests, rate, slowest = load(self.url, self.headers)
        for service, used in before.items():
            milliseconds = (processor(service) - used) / requests * 1000
            self.processor.setdefault(service, []).append(milliseconds)
        self.rates.append(rate)
        self.slowest.append(slowest)

    def shown(self) -> str:
        costs = ", ".join(f"{service} {median(values):.2f}" for service, values in self.processor.items())
        return f"{median(self.rates):.0f}/s, p99 {median(self.slowest):.0f} ms" + (f"; ms: {costs}" if costs else "")


def load(url: str, headers: dict[str, str]) -> tuple[int, float, float]:
    """Requests in all, requests a second, and the milliseconds of the 99th of a hundred. Every answer has to be 200."""
    command = ["wrk", "--latency", f"-c{CONNECTIONS}", "-t1", f"-d{SECONDS}s", url]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said:
        raise SystemExit(f"{url} does not always answer 200:\n{said}")
    requests, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec:\s+([\d.]+)", said)
    slowest = re.search(r"99%\s+([\d.]+)(us|ms|s)", said)
    if not requests or not rate or not slowest:
        raise SystemExit(f"wrk says something else:\n{said}")
    return int(requests[1]), float(rate[1]), float(slowest[1]) * {"us": 0.001, "ms": 1, "s": 1000}[slowest[2]]


def pages() -> dict[str, Target]:
    """The pages of a visitor with three images and a file, whose previews are made, and the constant view."""
    with httpx.Client(base_url=URL, headers={"Accept-Language": "en"}, timeout=30) as visitor:
        picture = pyvips.Image.black(640, 480).jpegsave_buffer()
        images = [("file", (f"{number}.jpg", picture, "image/jpeg")) for number in (1, 2, 3)]
        send(visitor, "/images/", images)
        send(visitor, "/files/", [("file", ("notes.txt", b"notes\n" * 100, "text/plain"))])
        until(lambda: len(re.findall(r'/preview" alt', visitor.get("/images/").text)) == 3)
        share = re.search(r'href="(/u/\w+/)"', visitor.get("/images/").text)
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    headers = {"Cookie": cookies, "Accept-Language": "en"}
    return {
        "constant": Target(f"{URL}/constant", headers, SERVICES),
        "My Images": Target(f"{URL}/images/", headers, SERVICES),
        "My Files": Target(f"{URL}/files/", headers, SERVICES),
        "a share page": Target(URL + share[1], {"Accept-Language": "en"}, SERVICES),
    }


def send(visitor: httpx.Client, path: str, files: list[tuple[str, tuple[str, bytes, str]]]) -> None:
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', visitor.get(path).text)
    answer = visitor.post(path, data={"csrfmiddlewaretoken": token[1], "lifetime": "3600"}, files=files)
    if answer.status_code != 303:
        raise SystemExit(f"the form of {path} is answered with {answer.status_code}")


@contextmanager
def earlier() -> Iterator[Target]:
    """The earlier versions' page in two processes of gunicorn, on the stack's Postgres."""
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": create(DATABASE, NAME)}
    folder = ROOT / "bench" / "earlier"
    subprocess.run([sys.executable, "page.py"], cwd=folder, env=environment, check=True)
    command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", f"127.0.0.1:{EARLIER_PORT}", "page"]
    with running(command, f"http://127.0.0.1:{EARLIER_PORT}/", cwd=folder, env=environment) as url:
        yield Target(url)


@contextmanager
def copyparty(folder: Path) -> Iterator[Target]:
    """copyparty, with the listing of a folder with three images."""
    program = Path(sys.executable).with_name("copyparty")
    if not program.exists():
        sys.exit("There is no copyparty: run python3 bin/venv services/requirements/bench.txt")
    shared = folder / "shared"
    shared.mkdir(parents=True, exist_ok=True)
    for number in (1, 2, 3):
        (shared / f"{number}.jpg").write_bytes(pyvips.Image.black(640, 480).jpegsave_buffer())
    command = [str(program), "-q", "-i", "127.0.0.1", "-p", str(COPYPARTY_PORT), "-j", "0", "-v", f"{shared}::r"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with running(command, f"http://127.0.0.1:{COPYPARTY_PORT}/", cwd=folder, env=environment) as url:
        yield Target(url)


@contextmanager
def running(command: list[str], url: str, *, cwd: Path, env: dict[str, str]) -> Iterator[str]:
    """A server, from when it answers until the end of the block."""
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=cwd, env=env, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        until(lambda: server.poll() is not None or answers(url))
        if server.poll() is not None:
            raise SystemExit(f"{command} has ended")
        yield url
    finally:
        server.terminate()
        server.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > end:
            raise SystemExit("what the figures need does not come")
        time.sleep(0.2)


def main() -> None:
    if not shutil.which("wrk"):
        raise SystemExit("These figures need wrk: apt-get install wrk")
    with ExitStack() as stack:
        targets = pages()
        targets["earlier"] = stack.enter_context(earlier())
        targets["copyparty"] = stack.enter_context(copyparty(Path(os.environ["WORK"])))
        for target in targets.values():
            load(target.url, target.headers)  # fills the caches
        for number in range(ROUNDS):
            for target in list(targets.values())[:: -1 if number % 2 else 1]:
                target.measure()
    constant, older, images = targets["constant"], targets["earlier"], targets["My Images"]
    for letter, name in zip("abc", ("My Images", "My Files", "a share page"), strict=True):
        page = targets[name]
        by = ratios(list(zip(page.rates, constant.rates, strict=True)))
        against = f"a constant view: {constant.shown()}"
        record(Row(f"4{letter}", name, against, f"{spread(by)}; {page.shown()}", "≥ 0.45", median(by) >= 0.45))
    by = ratios(list(zip(images.rates, older.rates, strict=True)))
    record(Row("4d", "My Images", f"the earlier versions' page: {older.shown()}", spread(by), "≥ 5", median(by) >= 5))
    listing = targets["copyparty"]
    by = ratios(list(zip(images.rates, listing.rates, strict=True)))
    record(Row("4e", "My Images", f"copyparty's listing: {listing.shown()}", spread(by)))


if __name__ == "__main__":
    main()
