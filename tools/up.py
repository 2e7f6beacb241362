"""Bring the stack up and wait until it answers: `make up`. With --watch, pass changes of the code on afterwards.

Before that, look for what usually stands in the way, and say in a sentence what to do about it. Everything that Docker
says is in LOG. Here a line appears for each service, once it is healthy.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import IO, TypedDict

from . import env, ports
from .paths import ENV, ROOT, RUN, shown
from .processes import call, output, succeeds

PORTS = {"HTTP_PORT": "8080", "FLOWER_HTTP_PORT": "5555", "S3_PORT": "4566"}
OLDEST_ENGINE = (25,)  # the first that probes often while a container starts, and seldom afterwards
OLDEST_COMPOSE = (2, 26)  # the oldest with which all files of this stack were tried
LOG = RUN / "up.log"
LAST_LINES = 20  # of a log, on a failure
TURN = 0.5  # seconds between two looks at the containers
HEALTHY_SECONDS = 300  # until everything is healthy; on first use the images of others are fetched before that
READY_SECONDS = 30  # from then on until Mayfly has all it needs
OLDER_DATABASE = (
    "The database keeps the password that it was made with, and POSTGRES_PASSWORD in .env is another one. Put the old "
    "one back into .env, in DATABASE_URL as well; or begin with an empty database: make down ARGS=--volumes. Then run "
    "`make up` once more."
)


class Publisher(TypedDict):
    PublishedPort: int


class Container(TypedDict):
    """As `docker compose ps` describes it."""

    ID: str
    Service: str
    State: str
    Status: str
    Health: str
    ExitCode: int
    Publishers: list[Publisher] | None


def main() -> None:
    watch = "--watch" in sys.argv
    os.chdir(ROOT)
    if watch:
        os.environ["COMPOSE_FILE"] = os.pathsep.join(["docker-compose.yml", "services/watch.yml"])
    look_for_docker()
    is_new = env.write()
    variables = {**env.values(ENV), **os.environ}
    chosen = {name: variables.get(name) or default for name, default in PORTS.items()}
    profiles = variables.get("COMPOSE_PROFILES", "flower").split(",")
    look_for_ports({name: port for name, port in chosen.items() if name != "FLOWER_HTTP_PORT" or "flower" in profiles})
    if is_new:
        look_for_database(variables.get("COMPOSE_PROJECT_NAME") or "mayfly")

    RUN.mkdir(mode=0o700, exist_ok=True)
    with open(LOG, "w") as log:
        start(log)
    if not ready(chosen["HTTP_PORT"]):
        sys.exit(explanation())
    site = variables.get("SITE_URL") or f"http://localhost:{chosen['HTTP_PORT']}"
    print(f"\n  Mayfly   {site}{addresses(chosen)}\n\n`make down` ends it, `make logs` shows what it says.", flush=True)
    if watch:
        _compose("watch", "--no-up").wait()


def addresses(chosen: Mapping[str, str]) -> str:
    """The lines of the other services that people open, if this stack has them."""
    services = {container["Service"] for container in _containers()}
    lines = ""
    if "flower" in services:
        lines += f"\n  Flower   http://localhost:{chosen['FLOWER_HTTP_PORT']}"
        lines += "   name and password: FLOWER_BASIC_AUTH in .env"
    if "localstack" in services:
        lines += f"\n  S3       http://localhost:{chosen['S3_PORT']}"
    return lines


def start(log: IO[str]) -> None:
    """Build the images and start the containers. Says of each service when it is healthy, and ends on a failure."""
    began = time.monotonic()

    def say(service: str, state: str) -> None:
        print(f"  {service:<12} {state:<10} {time.monotonic() - began:4.0f} s", flush=True)

    print(f"Building the images, which takes minutes for the first time. All output: {shown(LOG)}", flush=True)
    if _compose("build", log=log).wait():
        print(_last_lines(), end="", file=sys.stderr)
        sys.exit(f"An image was not built; above is the end of {shown(LOG)}, which has all of it.")
    say("images", "built")
    before = {container["ID"] for container in _containers()}
    up = _compose("up", "--no-build", "--detach", "--wait", "--wait-timeout", str(HEALTHY_SECONDS), log=log)
    told: set[str] = set()
    ended = False
    while not ended:
        try:
            up.wait(TURN)
            ended = True
        except subprocess.TimeoutExpired:
            pass
        for container in _containers():
            # A container from before may be replaced still, so it has its line at the end.
            if container["Service"] in told or (container["ID"] in before and not ended):
                continue
            if state := _success(container):
                told.add(container["Service"])
                say(container["Service"], state)
    if up.returncode:
        sys.exit(explanation())


def look_for_docker() -> None:
    """End with a sentence unless a Docker that is new enough answers."""
    if not shutil.which("docker"):
        sys.exit(
            "Docker is not installed. Install it (https://docs.docker.com/get-docker/), or use `make run`, which needs "
            "Python alone."
        )
    if "podman" in output("docker", "--version").stdout.lower():
        sys.exit(
            "`docker` is Podman on this machine, and the stack was not tried with it. Install Docker "
            "(https://docs.docker.com/get-docker/), or use `make run`, which needs Python alone."
        )
    engine = output("docker", "version", "--format", "{{.Server.Version}}")
    if engine.returncode:
        if "permission denied" in engine.stderr:
            sys.exit(
                "You may not talk to Docker. Add yourself to its group (`sudo usermod -aG docker $USER`), log in "
                "again, and run `make up` once more."
            )
        sys.exit(
            "Docker does not answer. Start it (Docker Desktop, or `sudo systemctl start docker`), and run `make up` "
            f"once more. It said: {engine.stderr.strip()}"
        )
    if _version(engine.stdout) < OLDEST_ENGINE:
        sys.exit(f"Docker {engine.stdout.strip()} is too old: Mayfly needs 25 or later. Update it, or use `make run`.")
    plugin = output("docker", "compose", "version", "--short")
    if plugin.returncode or _version(plugin.stdout) < OLDEST_COMPOSE:
        sys.exit(
            "Docker's Compose plugin is missing or older than 2.26. Install it "
            "(https://docs.docker.com/compose/install/), or use `make run`."
        )


def look_for_ports(chosen: Mapping[str, str]) -> None:
    """End with a sentence if another program has one of the ports."""
    for name, text in chosen.items():
        port = ports.number(text, f"{name} in .env")
        if not ports.obstacle(port) or port in _own_ports():
            continue
        also = [
            other
            for other, value in env.values(ENV).items()
            if other != name and re.search(rf":{port}\b", value) and "//localhost" in value
        ]
        sys.exit(
            f"Port {port} is taken by another program. End that, or put another port into {name} in .env"
            + (f", and the same into {' and '.join(also)}" if also else "")
            + ", and run `make up` once more."
        )


def look_for_database(project: str) -> None:
    """End with a sentence if a database is older than the .env just written, and so has another password."""
    if succeeds("docker", "volume", "inspect", f"{project}_postgres"):
        sys.exit(OLDER_DATABASE)


def ready(port: str) -> bool:
    """Whether Mayfly says through nginx that it has all it needs, within READY_SECONDS."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with opener.open(f"http://127.0.0.1:{port}/health/ready", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            answer = error.read().decode(errors="replace")
        except OSError as error:
            answer = str(error)
        if time.monotonic() > deadline:
            print(f"\n/health/ready: {answer}", file=sys.stderr)
            return False
        time.sleep(0.5)


def explanation() -> str:
    """Show the last words of every container that failed, or of those that are not ready yet if none did.

    Returns the sentence to end with.
    """
    containers = _containers()
    if not containers:
        print(_last_lines(), end="", file=sys.stderr, flush=True)
        return f"The stack did not come up; above is the end of {shown(LOG)}."
    failed = [container for container in containers if _has_failed(container)]
    slow = [container for container in containers if container["Health"] == "starting"]
    for container in failed or slow:
        print(f"\n---- {container['Service']}: {container['Status']}", file=sys.stderr, flush=True)
        logs = output(
            "docker",
            "compose",
            "logs",
            "--no-color",
            "--no-log-prefix",
            "--tail",
            str(LAST_LINES),
            container["Service"],
        )
        print(logs.stdout + logs.stderr, end="", file=sys.stderr, flush=True)
        if "password authentication failed" in logs.stdout:
            return OLDER_DATABASE
    return (
        "The stack did not come up; above is what the ones that failed said last. `make logs` shows all, and "
        f"{shown(LOG)} has what Docker said."
    )


def _own_ports() -> set[int]:
    """The ports that this very stack holds, because it is up already."""
    return {publisher["PublishedPort"] for container in _containers() for publisher in container["Publishers"] or ()}


def _containers() -> list[Container]:
    listed = output("docker", "compose", "ps", "--all", "--format", "json").stdout
    return [json.loads(line) for line in listed.splitlines()]


def _has_failed(container: Container) -> bool:
    ended = container["State"] in ("exited", "dead") and container["ExitCode"] != 0
    return ended or container["State"] == "restarting" or container["Health"] == "unhealthy"


def _success(container: Container) -> str:
    """The state of a container that is as it should be, in a word; empty for any other."""
    if container["Health"]:
        return container["Health"] if container["Health"] == "healthy" else ""
    return "done" if container["State"] == "exited" and container["ExitCode"] == 0 else ""


def _last_lines() -> str:
    return "".join(LOG.read_text(errors="replace").splitlines(keepends=True)[-LAST_LINES:])


def _compose(*arguments: str, log: IO[str] | None = None) -> subprocess.Popen[bytes]:
    """Start Compose on the values of .env. It would prefer the shell's, which may be for another program."""
    own = env.values(ENV)
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in own or name in PORTS or name.startswith("COMPOSE_")
    }
    return subprocess.Popen(
        ["docker", "compose", *arguments], env=kept, stdout=log, stderr=subprocess.STDOUT if log else None
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


if __name__ == "__main__":
    call(main)
