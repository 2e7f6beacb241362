"""How many visitors web serves on one basic dyno's worth of a machine: 512 MB and one core.

tests/stack/with .venv/bin/python bench/one_dyno.py                    about 70 s
tests/stack/with .venv/bin/python bench/one_dyno.py --from 200 --seconds 20

Each visitor opens My Files, uploads a file of 100 KB (begin, a part to storage, complete), opens its share page and
downloads it, again and again, and thinks for 1 to 3 s after each of these. The number of visitors rises by a quarter
until one page in twenty takes more than a second, or anything fails. A visitor whom web asks to come again (503 with
Retry-After) does so, up to five times, as the pages' own script does. The processor time of each container says which
gave way first. All of them, and the visitors themselves, share this machine.
"""

import argparse
import http.client
import json
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from urllib.parse import urlsplit

from containers import memory, names, processor, said
from figures import Row, record

SIZE = 100_000
THOUGHT = (1.0, 3.0)  # seconds, after each of the four steps
TRIES = 6
RISE = 1.25
SLOW = 1.0  # seconds in which a page has to come, for all but one in twenty
SERVICES = ("web", "localstack", "postgres", "nginx", "redis", "worker")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="least", type=int, default=60, help="visitors of the first level")
    parser.add_argument("--seconds", type=float, default=9, help="of each level")
    parser.add_argument("--most", type=int, default=1000)
    given = parser.parse_args()
    served, last = 0, None
    with one_core():
        count = given.least
        while count <= given.most:
            level = Level(count, given.seconds)
            level.run()
            print(level, flush=True)
            last = level
            if level.gave_way:
                break
            served, count = count, round(count * RISE)
    record(
        Row(
            place="11",
            what="visitors of web with one core and 512 MB; in 8 s each opens 2 pages, uploads and downloads 100 KB",
            against="the same with more visitors, until p95 of the pages passes 1 s or anything fails",
            figure=f"{served} visitors. At {last.count}: {last.why() if last.gave_way else 'nothing gave way'}",
        )
    )


@contextmanager
def one_core() -> Iterator[None]:
    """Limit web to one core meanwhile. Its memory is limited to 512 MB by the Compose file."""
    said("docker", "update", "--cpus", "1", *names("web"))
    try:
        yield
    finally:
        said("docker", "update", "--cpus", str(os.cpu_count()), *names("web"))


@dataclass
class Level:
    """So many visitors for so long. The first third is not counted, in which they arrive."""

    count: int
    seconds: float
    pages: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    uploads: int = 0
    repeats: int = 0  # requests that web asked for again
    used: dict[str, float] = field(default_factory=dict)  # cores, by service
    memory: float = 0  # of web, in MB

    def run(self) -> None:
        self._ended, self._counts = threading.Event(), threading.Event()
        visitors = [threading.Thread(target=self._visit, daemon=True) for _ in range(self.count)]
        for visitor in visitors:
            visitor.start()
        time.sleep(self.seconds / 3)
        self._counts.set()
        before, began = {name: processor(name) for name in SERVICES}, time.monotonic()
        time.sleep(self.seconds * 2 / 3)
        after, took = {name: processor(name) for name in SERVICES}, time.monotonic() - began
        self._ended.set()
        for visitor in visitors:
            visitor.join(30)
        self.used = {name: (after[name] - before[name]) / took for name in SERVICES}
        [self.memory] = memory("web")

    @property
    def p95(self) -> float:
        return quantiles(self.pages, n=20)[-1] if len(self.pages) > 1 else 0

    @property
    def gave_way(self) -> bool:
        return self.p95 > SLOW or bool(self.errors)

    def why(self) -> str:
        """The first thing that gave way, by what was used up."""
        if self.errors:
            return f"{self.errors[0]}; {self._use()}"
        if self.used["web"] > 0.9:
            first = "web has used up its core"
        elif sum(self.used.values()) > 0.8 * (os.cpu_count() or 1):
            first = f"this machine's {os.cpu_count()} cores are used up, web's is not"
        else:
            first = "web's threads wait"
        return f"{first}, {self.repeats} requests were asked to come again. {self._use()}"

    def __str__(self) -> str:
        pages = f"p95 of {len(self.pages)} pages {self.p95 * 1000:.0f} ms, {self.uploads} uploads"
        asked = f"{self.repeats} requests asked to come again"
        return f"{self.count:5d} visitors: {pages}, {asked}, {self._use()} {self.errors[:1] or ''}"

    def _use(self) -> str:
        cores = ", ".join(f"{name} {used:.2f}" for name, used in self.used.items() if used >= 0.05)
        return f"Cores: {cores}; web {self.memory:.0f} MB"

    def _visit(self) -> None:
        visitor = Visitor(self._again)
        steps = (self._page(visitor.list), self._upload(visitor.upload), self._page(visitor.share), visitor.download)
        number = 0
        self._ended.wait(random.uniform(0, self.seconds / 3))  # they do not arrive all at once
        while not self._ended.is_set():
            try:
                steps[number]()
            except Exception as error:
                if not self._ended.is_set():
                    self.errors.append(f"{type(error).__name__}: {error}")
                return
            number = (number + 1) % 4
            self._ended.wait(random.uniform(*THOUGHT))

    def _again(self, seconds: float) -> None:
        self.repeats += 1
        self._ended.wait(seconds)

    def _page(self, step: Callable[[], None]) -> Callable[[], None]:
        def timed() -> None:
            began = time.monotonic()
            step()
            if self._counts.is_set() and not self._ended.is_set():
                self.pages.append(time.monotonic() - began)

        return timed

    def _upload(self, step: Callable[[], None]) -> Callable[[], None]:
        def counted() -> None:
            step()
            if self._counts.is_set() and not self._ended.is_set():
                self.uploads += 1

        return counted


class Visitor:
    """One browser: a connection to the site, one to storage, and a box."""

    content = os.urandom(SIZE)

    def __init__(self, again: Callable[[float], None]) -> None:
        self._again = again
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._token = ""
        self._upload = ""

    def list(self) -> None:
        self._ask("GET", "/files/", headers={"Cookie": f"box={self._token}"} if self._token else {})

    def upload(self) -> None:
        fields = {"kind": "file", "name": "picture.bin", "size": SIZE}
        begun = json.loads(self._api("POST", "/api/uploads", fields))
        self._token, self._upload = begun["box"] or self._token, begun["id"]
        [part] = begun["transfer"]["first"]
        self._ask("PUT", part["url"], self.content, part["headers"])
        self._api("POST", f"/api/uploads/{self._upload}/complete", {})

    def share(self) -> None:
        self._ask("GET", f"/u/{self._upload}/")

    def download(self) -> None:
        self._ask("GET", self._ask("GET", f"/u/{self._upload}/download", expected=302).headers["Location"])

    def _api(self, method: str, path: str, fields: dict) -> bytes:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return self._ask(method, path, json.dumps(fields).encode(), headers).content

    def _ask(self, method: str, url: str, body: bytes | None = None, headers: dict | None = None, expected: int = 0):
        parts = urlsplit(url)
        place = parts.netloc or urlsplit(os.environ["MAYFLY_URL"]).netloc
        connection = self._connections.setdefault(place, http.client.HTTPConnection(place, timeout=30))
        for _ in range(TRIES):
            connection.request(
                method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers or {}
            )
            answer = connection.getresponse()
            answer.content = answer.read()
            if answer.status != 503 or "Retry-After" not in answer.headers:
                break
            self._again(float(answer.headers["Retry-After"]))
        if answer.status != expected and not (expected == 0 and 200 <= answer.status < 300):
            raise RuntimeError(f"{method} {re.sub('[A-Za-z0-9_-]{20,}', 'ID', parts.path)} gets {answer.status}")
        return answer


if __name__ == "__main__":
    main()
