"""What is done to the stack here: containers end and start again, and what follows is waited for."""

import json
import os
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from .. import conftest
from ..conftest import URL, Bucket, until

SERVICES = ("nginx", "web", "worker", "beat", "flower", "postgres", "redis", "localstack")
# How long containers are killed at random while clients work; and a part of the stack is away, where that is the point.
SECONDS = float(os.environ["CHAOS_SECONDS"])
OUTAGE = SECONDS / 2
# How late a removal may be once all that it needs is there again: the worker asks for Redis at growing intervals of
# up to half a minute, the sweep comes every 5 s and takes 20 at most, and a busy machine takes its own time.
LATE = 75

Ask = Callable[..., list[tuple]]


def client(**options) -> httpx.Client:
    """All of it is plain HTTP on this machine: without certificates, which take longer to load than a request."""
    return httpx.Client(verify=False, timeout=60, limits=httpx.Limits(max_connections=None), **options)  # noqa: S501


HTTP = client()


@dataclass
class Visitor(conftest.Visitor):
    """The visitor of the other tests, in more of a hurry."""

    api: httpx.Client = field(default_factory=lambda: client(base_url=URL))
    browser: httpx.Client = field(default_factory=lambda: client(base_url=URL))

    @property
    def token(self) -> str:
        return self.api.headers["Authorization"].removeprefix("Bearer ")

    def send(self, upload: dict, content: bytes, *numbers: int) -> None:
        size = upload["transfer"]["part_size"]
        for part in self.sign(upload, *(numbers or range(1, upload["transfer"]["parts"] + 1))):
            start = (part["number"] - 1) * size
            answer = HTTP.put(part["url"], content=content[start : start + part["size"]], headers=part["headers"])
            assert answer.status_code == 200, answer.text

    def complete(self, upload: dict) -> httpx.Response:
        return self.api.post(f"/api/uploads/{upload['id']}/complete")


def docker(*arguments: str, check: bool = True) -> str:
    return subprocess.run(["docker", *arguments], check=check, capture_output=True, text=True).stdout.strip()


def container(service: str) -> str:
    """The id of a service's container, whether it runs or not."""
    labels = {"project": os.environ["COMPOSE_PROJECT_NAME"], "service": service, "oneoff": "False"}
    filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
    return docker("ps", "--all", "--quiet", *filters)  # compose itself takes half a second to say it


def kill(service: str) -> None:
    """SIGKILL. The restart policy takes that for somebody's wish, so that it stays away until `start`."""
    docker("kill", "--signal", "KILL", container(service))


def start(*services: str) -> None:
    docker("start", *(container(service) for service in services))


def restart(service: str, *, seconds: int = 0) -> None:
    """SIGTERM, SIGKILL after so many seconds, and a new start at once."""
    docker("restart", "--time", str(seconds), container(service))


def healthy(services: Iterable[str] = SERVICES, *, seconds: float = 120) -> None:
    """Wait until the probes of these services succeed, and the program says that it has all it needs."""
    ids = [container(service) for service in services]
    until(
        lambda: (
            {one["State"].get("Health", {}).get("Status") for one in json.loads(docker("inspect", *ids))} == {"healthy"}
        ),
        seconds=seconds,
        every=0.5,
    )
    until(ready, seconds=seconds, every=0.5)


def ready() -> bool:
    try:
        return HTTP.get(f"{URL}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def checks() -> dict[str, str]:
    """What the readiness page says of each thing that the program needs."""
    return HTTP.get(f"{URL}/health/ready").json()["checks"]


def one_sweep(table: Ask, *, seconds: float = LATE) -> None:
    """Wait until one whole sweep has run that began after this call."""
    [(asked,)] = table("SELECT clock_timestamp()")
    until(lambda: _swept(table, asked), seconds=seconds)


def _swept(table: Ask, asked: datetime) -> bool:
    """The sweep notes its beginning under the name of beat, which sent it, and its end under its own."""
    at = dict(table("SELECT name, at FROM uploads_heartbeat"))
    return "sweep" in at and "beat" in at and asked < at["beat"] < at["sweep"]


def reconcile(*arguments: str, **environment: str) -> tuple[int, str]:
    """`manage.py reconcile` in the web container: its exit code, and what it said."""
    given = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    done = subprocess.run(
        ["docker", "exec", *given, container("web"), "python", "manage.py", "reconcile", *arguments],
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def differences(table: Ask, bucket: Bucket) -> dict[str, list[str]]:
    """Where table and bucket say different things; empty where they agree."""
    rows = dict(table("SELECT id, state FROM uploads_upload"))
    objects = {key.removeprefix("uploads/") for key in bucket.keys("uploads/")}
    transfers = {key.removeprefix("uploads/") for key in bucket.transfers()}
    previews = {key.removeprefix("previews/").removesuffix(".webp") for key in bucket.keys("previews/")}
    late = [pk for (pk,) in table("SELECT id FROM uploads_upload WHERE state = 'pending' AND expires_at <= now()")]
    found = {
        "objects without a row": sorted(pk for pk in objects if rows.get(pk, "gone") == "gone"),
        "rows without an object": sorted(pk for pk in rows if rows[pk] == "ready" and pk not in objects),
        "transfers without a row": sorted(pk for pk in transfers if rows.get(pk) != "pending"),
        "transfers past their deadline": sorted(transfers.intersection(late)),
        "previews without an upload": sorted(pk for pk in previews if rows.get(pk, "gone") == "gone"),
    }
    return {what: ids for what, ids in found.items() if ids}


def end_all(table: Ask) -> None:
    """The time of all that stands is over: its deadline is brought forward to this moment."""
    table("UPDATE uploads_upload SET expires_at = now() WHERE state IN ('pending', 'ready')")


def state_of(table: Ask, upload: dict) -> str:
    [(state,)] = table("SELECT state FROM uploads_upload WHERE id = %s", upload["id"])
    return state


def latest_removal(table: Ask) -> float:
    """How many seconds after its time the slowest removal was done, by the database's clock."""
    [(latest,)] = table(
        "SELECT max(extract(epoch FROM removed_at - expires_at)) FROM uploads_upload"
        " WHERE state = 'gone' AND removed_at > expires_at"
    )
    return float(latest or 0)
