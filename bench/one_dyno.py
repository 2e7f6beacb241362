"""How many visitors web serves on one basic dyno's worth of a machine: 512 MB and one core.

tests/stack/with .venv/bin/python bench/one_dyno.py                    about 70 s
tests/stack/with .venv/bin/python bench/one_dyno.py --from 200 --seconds 20

Each visitor opens My Files, uploads a file of 100 KB (begin, a part to storage, complete), opens its share page and
downloads it, again and again, and thinks for 1 to 3 s after each of these. The number of visitors rises by a quarter
until one page in twenty takes more than a second, or anything fails. The processor time of each container says which
gave way first. All of them, and the visitors themselves, share this machine.
"""

import argparse
import http.client
import json
import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from urllib.parse import urlsplit

from figures import Row, record

SIZE = 100_000
THOUGHT = (1.0, 3.0)  # seconds, after each of the four steps
RISE = 1.25
SLOW = 1.0  # seconds in which a page has to come, for all but one in twenty
SERVICES = ("web", "localstack", "postgres", "nginx", "redis", "worker")
# The processor time of a container's processes and its memory without the kernel's cache, by the old and new interface.
ACCOUNT = """
cd /sys/fs/cgroup
cat cpuacct/cpuacct.usage 2>/dev/null || sed -n 's/usage_usec \\(.*\\)/\\1000/p' cpu.stat
cat memory/memory.stat 2>/dev/null || cat memory.stat
"""


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
            figure=f"{served} visitors; at {last.count}: {last.why()}",
        )
    )


@contextmanager
def one_core() -> Iterator[None]:
    """Limit web to one core meanwhile. Its memory is limited to 512 MB by the Compose file."""
    docker("update", "--cpus", "1", container("web"))
    try:
        yield
    finally:
        docker("update", "--cpus", str(os.cpu_count()), container("web"))


@dataclass
class Level:
    """So many visitors for so long. The first third is not counted, in which they arrive."""

    count: int
    seconds: float
    pages: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    uploads: int = 0
    used: dict[str, float] = field(default_factory=dict)  # cores, by service
    memory: float = 0  # of web, in MB

    def run(self) -> None:
        self._ended, self._counts = threading.Event(), threading.Event()
        visitors = [threading.Thread(target=self._visit, daemon=True) for _ in range(self.count)]
        for visitor in visitors:
            visitor.start()
        time.sleep(self.seconds / 3)
        self._counts.set()
        before, began = accounts(), time.monotonic()
        time.sleep(self.seconds * 2 / 3)
        after, took = accounts(), time.monotonic() - began
        self._ended.set()
        for visitor in visitors:
            visitor.join(30)
        self.used = {name: (after[name][0] - before[name][0]) / took for name in SERVICES}
        self.memory = after["web"][1]

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
        return f"{first}; {self._use()}"

    def __str__(self) -> str:
        pages = f"p95 of {len(self.pages)} pages {self.p95 * 1000:.0f} ms"
        return f"{self.count:5d} visitors: {pages}, {self.uploads} uploads, {self._use()} {self.errors[:1] or ''}"

    def _use(self) -> str:
        cores = ", ".join(f"{name} {used:.2f}" for name, used in self.used.items() if used >= 0.05)
        return f"cores: {cores}; web {self.memory:.0f} MB"

    def _visit(self) -> None:
        visitor = Visitor()
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

    def __init__(self) -> None:
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
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers or {})
        answer = connection.getresponse()
        answer.content = answer.read()
        if answer.status != expected and not (expected == 0 and 200 <= answer.status < 300):
            raise RuntimeError(f"{method} {re.sub('[A-Za-z0-9_-]{20,}', 'ID', parts.path)} gets {answer.status}")
        return answer


def accounts() -> dict[str, tuple[float, float]]:
    """Seconds of processor time and MB of memory, by service."""
    found = {}
    for service in SERVICES:
        said = docker("exec", container(service), "sh", "-c", ACCOUNT)
        memory = re.findall(r"^(?:anon|shmem|total_rss|total_shmem) (\d+)$", said, re.MULTILINE)
        found[service] = int(said.split()[0]) / 1e9, sum(map(int, memory)) / 1e6
    return found


def container(service: str) -> str:
    return f"{os.environ['COMPOSE_PROJECT_NAME']}-{service}-1"


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
