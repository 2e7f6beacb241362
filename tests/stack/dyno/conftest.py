"""An app as on Heroku, without Heroku: images as heroku.yml builds them, dynos, a router and add-ons."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg2
import pytest
import redis
import yaml

from ..conftest import URL
from .dynos import DYNOS, ROOT, Dyno, config, docker
from .router import Router

PLAN = 20  # connections, to Postgres and to Redis each
FIGURES = {}
KINDS = ("web", "worker", "release")


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the figures for docs/heroku.md."""
    for name, value in FIGURES.items():
        terminalreporter.line(f"{name}: {value}")


def build(kind: str, *, tag: str, classic: bool = False) -> str:
    """Build the image of this target, with Heroku's classic builder or with BuildKit; returns its id."""
    manifest = yaml.safe_load((ROOT / "heroku.yml").read_text())["build"]["docker"]
    dockerfile = ROOT / manifest.get(kind, manifest["web"])["dockerfile"]
    done = subprocess.run(
        ["docker", "build", "--target", kind, "--tag", tag, "--file", dockerfile, dockerfile.parent],
        env=os.environ | {"DOCKER_BUILDKIT": "0" if classic else "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return docker("image", "inspect", "--format", "{{.Id}}", tag)


@dataclass
class App:
    """One web dyno and one worker dyno, which restart as Heroku restarts them."""

    router: Router
    config: dict[str, str]
    releases: list[tuple[int, str, float]] = field(default_factory=list)
    web: Dyno | None = None
    worker: Dyno | None = None

    def release(self, count: int = 1) -> None:
        """Run `count` release steps at once."""
        dynos = [Dyno("release", self.config, number=number) for number in range(1, count + 1)]
        for dyno in dynos:
            status = dyno.ended(seconds=120)
            self.releases.append((status, dyno.logs(), time.monotonic() - dyno.started))
            dyno.remove()

    def start(self) -> None:
        self.web = Dyno("web", self.config)
        self.start_worker()
        self.router.add(self.web.address)
        self.web.bound()

    def start_worker(self) -> None:
        self.worker = Dyno("worker", self.config)

    def restart(self) -> dict[str, float]:
        """Restart as Heroku does daily: new dynos start while old ones end. Returns the seconds that each took."""
        old = [self.web, self.worker]
        self.router.remove(self.web.address)
        beside = threading.Thread(target=self.start)
        beside.start()
        seconds = {dyno.name: dyno.stop() for dyno in old}
        beside.join()
        for dyno in old:
            dyno.remove()
        return seconds


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    built = {kind: build(kind, tag=f"{DYNOS}-{kind}") for kind in KINDS}
    size = int(docker("image", "inspect", "--format", "{{.Size}}", f"{DYNOS}-web"))
    FIGURES["image, web and worker alike"] = f"{size / 1e6:.0f} MB"
    return built


@pytest.fixture(scope="session")
def router() -> Iterator[Router]:
    certificates = os.environ["CERTIFICATES"]
    with Router(int(os.environ["ROUTER_PORT"]), f"{certificates}/router.crt", f"{certificates}/router.key") as router:
        yield router


@pytest.fixture(scope="session")
def app(images, router) -> App:
    app = App(
        router,
        config(
            ALLOWED_HOSTS="127.0.0.1",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_STORAGE_BUCKET_NAME="mayfly",
            AWS_S3_CORS_ORIGINS=URL,
            AWS_S3_ENDPOINT_URL="http://localstack:4566",
            AWS_S3_PUBLIC_ENDPOINT_URL=os.environ["S3_URL"],
        )
        | MANY_CLIENTS,
    )
    app.release(2)
    app.start()
    return app


# The load of these tests comes from one address, without a person's pauses.
MANY_CLIENTS = {"BOX_UPLOADS_MAX": "10000", "ADDRESS_UPLOADS_MAX": "100000"} | dict.fromkeys(
    ("RATE_UPLOADS_ADDRESS", "RATE_UPLOADS_BOX", "RATE_DOWNLOADS"), "1000000"
)


class Connections:
    """Counts the connections of the app five times a second, and keeps the highest counts."""

    def __init__(self):
        self.postgres = self.redis = 0
        self._ended = threading.Event()
        self._client = redis.Redis.from_url(
            f"rediss://:secret@127.0.0.1:{os.environ['TEST_REDIS_PORT']}", ssl_cert_reqs="none"
        )
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self):
        self.refused_before = self._client.info("stats")["rejected_connections"]
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(10)

    def refused(self) -> int:
        """The number of connections that Redis refused because of its limit."""
        return self._client.info("stats")["rejected_connections"] - self.refused_before

    @contextmanager
    def room_for(self, count: int) -> Iterator[None]:
        """Raise the limit of Redis to a larger plan during the block. One more is this observer's own."""
        self._client.config_set("maxclients", count + 1)
        try:
            yield
        finally:
            self._client.config_set("maxclients", PLAN + 1)

    def _count(self) -> None:
        database = psycopg2.connect(os.environ["STACK_DATABASE_URL"])
        database.autocommit = True
        with database.cursor() as cursor:
            while not self._ended.wait(0.2):
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'mayfly'")
                self.postgres = max(self.postgres, cursor.fetchone()[0])
                self.redis = max(self.redis, self._client.info("clients")["connected_clients"] - 1)
        database.close()


@pytest.fixture
def connections() -> Iterator[Connections]:
    with Connections() as counted:
        yield counted


class Memory:
    """The peak memory of each dyno in bytes, as Heroku counts it: without the kernel's cache of files."""

    def __init__(self, *dynos: Dyno):
        self._dynos = dynos
        self.peak = {dyno.name: 0 for dyno in dynos}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(20)

    def shown(self) -> dict[str, str]:
        return {name: f"{peak / 1e6:.0f} MB" for name, peak in self.peak.items()}

    def _look(self) -> None:
        statistics = "cd /sys/fs/cgroup; cat memory.stat 2>/dev/null || cat memory/memory.stat"  # version 2 or 1
        counted = re.compile(r"^(?:anon|shmem|total_rss|total_shmem) (\d+)$", re.MULTILINE)
        while not self._ended.wait(0.5):
            for dyno in self._dynos:
                used = sum(map(int, counted.findall(docker("exec", dyno.id, "sh", "-c", statistics))))
                self.peak[dyno.name] = max(self.peak[dyno.name], used)
