"""Break the stack on purpose, end and start its containers, and wait until it has recovered."""

import json
import os
import subprocess
from collections.abc import Callable, Iterable
from datetime import datetime

import httpx

from tests.support.patient import Patient

from .. import conftest
from ..conftest import URL, Bucket, until

SERVICES = ("nginx", "web", "worker", "beat", "flower", "postgres", "redis", "localstack")
# Seconds for which containers are killed at random while clients work. A single part of the stack is away for OUTAGE.
SECONDS = float(os.environ["CHAOS_SECONDS"])
OUTAGE = SECONDS / 2
# Seconds by which a removal may be late once the stack is whole again. The worker looks for Redis at growing intervals
# of up to 30 s, a sweep comes every 5 s and takes at most 20 s, and the rest is for a busy machine.
LATE = 75

Ask = Callable[..., list[tuple]]


def client(**options) -> httpx.Client:
    """A client for plain HTTP. It loads no certificates, which takes longer than a request."""
    return httpx.Client(verify=False, timeout=60, limits=httpx.Limits(max_connections=None), **options)  # noqa: S501


HTTP = client()


def patient_client(**options) -> httpx.Client:
    """A client as `client` makes it, which comes again if web has no room for its body."""
    return httpx.Client(
        transport=Patient(verify=False, limits=httpx.Limits(max_connections=None)), timeout=60, **options
    )


PATIENT_HTTP = patient_client()


class Visitor(conftest.Visitor):
    """The visitor of the other tests, with faster clients."""

    def __init__(self, make_client: Callable[..., httpx.Client] = client):
        super().__init__(make_client)

    @property
    def token(self) -> str:
        return self.api.headers["Authorization"].removeprefix("Bearer ")


def docker(*arguments: str, check: bool = True) -> str:
    return subprocess.run(["docker", *arguments], check=check, capture_output=True, text=True).stdout.strip()


def container(service: str) -> str:
    """The id of a service's container, even if it does not run."""
    labels = {"project": os.environ["COMPOSE_PROJECT_NAME"], "service": service, "oneoff": "False"}
    filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
    return docker("ps", "--all", "--quiet", *filters)  # half a second quicker than compose


def kill(service: str) -> None:
    """Send SIGKILL. Docker takes this for a deliberate stop, so the container stays away until `start`."""
    docker("kill", "--signal", "KILL", container(service))


def start(*services: str) -> None:
    docker("start", *(container(service) for service in services))


def restart(service: str, *, seconds: int = 0) -> None:
    """Send SIGTERM, then SIGKILL after this many seconds, and start the container again at once."""
    docker("restart", "--time", str(seconds), container(service))


def healthy(services: Iterable[str] = SERVICES, *, seconds: float = 120) -> None:
    """Wait until the probes of these services succeed and /health/ready answers 200."""
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
    """The checks of /health/ready: `ok` or a reason, by name."""
    return HTTP.get(f"{URL}/health/ready").json()["checks"]


def one_sweep(table: Ask, *, seconds: float = LATE) -> None:
    """Wait until a sweep that began after this call has ended."""
    [(asked,)] = table("SELECT clock_timestamp()")
    until(lambda: _swept(table, asked), seconds=seconds)


def _swept(table: Ask, asked: datetime) -> bool:
    """A sweep records its beginning under the name of beat, which sent it, and its end under its own."""
    at = dict(table("SELECT name, at FROM uploads_heartbeat"))
    return "sweep" in at and "beat" in at and asked < at["beat"] < at["sweep"]


def reconcile(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run `manage.py reconcile` in the web container; returns its exit code and its output."""
    given = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    done = subprocess.run(
        ["docker", "exec", *given, container("web"), "python", "manage.py", "reconcile", *arguments],
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def differences(table: Ask, bucket: Bucket) -> dict[str, list[str]]:
    """The differences between table and bucket, by their sort; empty if the two agree."""
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
    """Let every upload and every transfer expire now."""
    table("UPDATE uploads_upload SET expires_at = now() WHERE state IN ('pending', 'ready')")


def state_of(table: Ask, upload: dict) -> str | None:
    """The upload's state; None if it has no row, as after a removal before it was ready."""
    rows = table("SELECT state FROM uploads_upload WHERE id = %s", upload["id"])
    return rows[0][0] if rows else None


def latest_removal(table: Ask) -> float:
    """Seconds between the deadline and the removal of the latest upload, by the database's clock."""
    [(latest,)] = table(
        "SELECT max(extract(epoch FROM removed_at - expires_at)) FROM uploads_upload"
        " WHERE state = 'gone' AND removed_at > expires_at"
    )
    return float(latest or 0)
