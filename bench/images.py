"""Measure the image, `make up`, web's start and `make run`: about 100 s, with the images built.

.venv/bin/python bench/images.py             the image's bytes above its base, `make up` three times, web's start
.venv/bin/python bench/images.py --clone     `make run` in a fresh clone as well, with pip's and npm's caches warm

`make up` runs in a clone of this checkout with a name and ports of its own, on empty volumes, until it says that
Mayfly answers. Web's start is that of its container: from `docker run` to the first answer, beside gunicorn with an
application of one line in the same image.
"""

import argparse
import http.client
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from figures import ROOT, Row, in_turn, record, spread

BASE = "python:3.13-slim-trixie"
IMAGE = "mayfly-bench-web"
STACK = {
    "COMPOSE_PROJECT_NAME": "mayfly-bench-up",
    "HTTP_PORT": "28080",
    "FLOWER_HTTP_PORT": "28555",
    "S3_PORT": "28566",
}
RUN_PORT = 28000
STARTS = 3
SECONDS = 120  # for any start at most
BARE = 'printf \'def app(environ, start):\\n    start("200 OK", [])\\n    return [b""]\\n\' > /tmp/bare.py'
BARE += " && exec gunicorn --chdir /tmp --bind 0.0.0.0:8000 bare:app"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clone", action="store_true", help="time `make run` in a fresh clone as well")
    given = parser.parse_args()
    image_size()
    web_start()
    with clone() as checkout:
        make_up(checkout)
    if given.clone:
        make_run()


def image_size() -> None:
    said("docker", "build", "--quiet", "--target", "web", "--tag", IMAGE, ROOT / "services")
    size, base = (int(said("docker", "image", "inspect", "--format", "{{.Size}}", name)) for name in (IMAGE, BASE))
    above = (size - base) / 1e6
    record(
        Row(
            place="12a",
            what="image of web, worker and release",
            against=f"{BASE}, on which it is based",
            figure=f"{above:.0f} MB above it, {size / 1e6:.0f} MB in all",
            reach="≤ 150 MB above",
            met=above <= 150,
        )
    )


def web_start() -> None:
    variables = {"SECRET_KEY": "x" * 50, "SETTINGS_MODULE_PATH": "mayfly.settings.development", "PORT": "8000"}
    environment = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]

    def ours() -> float:
        return container_start(*environment, IMAGE)

    def bare() -> float:
        return container_start("--entrypoint", "/bin/sh", IMAGE, "-c", BARE)

    ours()  # reads the image's files once
    pairs = in_turn(ours, bare)
    record(
        Row(
            place="12c",
            what="start of web's container, to the first answer",
            against="gunicorn with an application of one line, in the same image",
            figure=f"{spread([ours for ours, _ in pairs])} s and {spread([bare for _, bare in pairs])} s",
        )
    )


def container_start(*arguments: str) -> float:
    """Seconds from `docker run` to the first answer of whatever status."""
    began = time.monotonic()
    container = said("docker", "run", "--detach", "--init", "--publish", "127.0.0.1::8000", *arguments)
    try:
        port = said("docker", "port", container, "8000").rsplit(":", 1)[1]
        until_answer(int(port), "/health/live")
        return time.monotonic() - began
    finally:
        said("docker", "rm", "--force", "--volumes", container)


def make_up(checkout: Path) -> None:
    """Time `make up` as people call it, after a first one that builds what is not built yet."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")} | STACK
    took = []
    try:
        for _ in range(STARTS + 1):
            began = time.monotonic()
            subprocess.run(["make", "up"], cwd=checkout, env=environment, check=True, stdout=subprocess.DEVNULL)
            took.append(time.monotonic() - began)
            down(checkout, environment)
    finally:
        down(checkout, environment)
    record(
        Row(
            place="12b",
            what="`make up` with images built and volumes empty, until it says that Mayfly answers",
            against="15 s",
            figure=f"{spread(took[1:])} s",
            reach="≤ 15 s",
            met=median(took[1:]) <= 15,
        )
    )


def down(checkout: Path, environment: dict[str, str]) -> None:
    command = ["make", "down", "ARGS=--volumes --timeout 3"]
    subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True)


def make_run() -> None:
    took = []
    for _ in range(STARTS):
        with clone() as checkout:
            began = time.monotonic()
            environment = os.environ | {"PORT": str(RUN_PORT)}
            process = subprocess.Popen(
                ["make", "run"], cwd=checkout, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
            )
            try:
                until_answer(RUN_PORT, "/images/")
                took.append(time.monotonic() - began)
            finally:
                os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
                process.wait(SECONDS)
    record(
        Row(
            place="12d",
            what="`make run` in a fresh clone, to the first page",
            against="20 s; the packages are in pip's and npm's own caches",
            figure=f"{spread(took)} s",
            reach="≤ 20 s",
            met=median(took) <= 20,
        )
    )


@contextmanager
def clone() -> Iterator[Path]:
    """A clone of what is committed, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="mayfly-bench-") as folder:
        checkout = Path(folder) / "mayfly"
        said("git", "clone", "--quiet", "--no-hardlinks", ROOT, checkout)
        yield checkout


def until_answer(port: int, path: str) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            connection.getresponse().read()
            return
        connection.close()
        time.sleep(0.02)
    raise SystemExit(f"nothing answers at port {port} within {SECONDS} s")


def said(*command: str | Path) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    main()
