"""The cost of a page in processor time: My Images with three images, beside a view that answers a constant.

First both run through gunicorn, as in production: one process with its threads, a client that keeps its connection, the
access log written. Then both run in this process, without a server: the WSGI handler, every middleware, the same
cookies. There a row is a part of the page's time. Each figure is measured in turn with those it is compared with, so
that a busy machine slows all of them alike. About 30 s.

The database is SQLite, as in `make run`. On a stack it is one of its own in the stack's Postgres:
tests/stack/with .venv/bin/python bench/pages.py
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from database import create
from figures import Row, ratios, record, spread

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "services" / "app"))
WORK = tempfile.TemporaryDirectory(prefix="mayfly-bench-")
# SQLite and the folder storage, as in `make run`. Nothing comes from a developer's own environment.
os.environ.update(
    SECRET_KEY="only-for-figures-" + "x" * 40,
    DATA_DIR=WORK.name,
    BENCH_STATIC=f"{WORK.name}/static",
    DJANGO_SETTINGS_MODULE="mayfly.settings.development",
    SETTINGS_MODULE_PATH="mayfly.settings.development",
)
for name in ("DATABASE_URL", "REDIS_URL", "USE_S3", "STATIC_STORAGE", "DEBUG_DESENV", "SHARED_BOX", "IMAGES_KEPT"):
    os.environ.pop(name, None)
if stack := os.environ.get("STACK_DATABASE_URL"):
    os.environ["DATABASE_URL"] = create(stack, "mayfly_bench_pages")

import django  # noqa: E402
import pyvips  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.middleware.csrf import get_token  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402

from mayfly.pages import lists  # noqa: E402
from mayfly.previews.clean import clean_due  # noqa: E402
from mayfly.previews.make import make_due  # noqa: E402
from mayfly.uploads.choices import Kind  # noqa: E402
from mayfly.uploads.models import Upload  # noqa: E402
from mayfly.visitors import boxes  # noqa: E402

ROUNDS, CALLS = 25, 20
PAIRS, REQUESTS = 7, 300  # through gunicorn
PORT = 8099
LANGUAGES = "en-GB,en;q=0.9,es;q=0.7"
PAGE, CONSTANT = "My Images, three images", "a constant view: handler and middleware"


def main() -> None:
    browser = prepared()
    print(f"{'GET My Images, processor time':<44}{'ms':>8}{'x constant':>12}")
    with gunicorn() as connection:
        costs = through_gunicorn(connection, browser)
    by = show("through gunicorn", costs)
    show("in one process, without a server", measured(parts(browser)))
    figure = f"{spread(by)}; {median(costs[PAGE]):.2f} ms"
    against = f"a constant view: {median(costs[CONSTANT]):.2f} ms"
    record(Row("4f", "My Images, processor time of gunicorn alone", against, figure, "≤ 2.2", median(by) <= 2.2))


def show(heading: str, costs: dict[str, list[float]]) -> list[float]:
    """Print the figures, and return how many times the constant view's cost the page took, one for each pair."""
    unit = median(costs[CONSTANT])
    print(heading)
    for name, cost in costs.items():
        print(f"  {name:<42}{median(cost):>8.3f}{median(cost) / unit:>12.2f}")
    by = ratios(list(zip(costs[PAGE], costs[CONSTANT], strict=True)))
    print(f"  the page costs {spread(by)} x what the constant view costs")
    return by


def prepared() -> Client:
    """Database, storage and static files as after a release, and a visitor with three images and their previews."""
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STATIC_ROOT = Path(WORK.name) / "static"
    call_command("collectstatic", verbosity=0, interactive=False)
    call_command("migrate", verbosity=0)
    default_storage.prepare()
    browser = Client(headers={"Accept-Language": LANGUAGES})
    browser.get("/images/")
    picture = pyvips.Image.black(640, 480).jpegsave_buffer()
    images = [SimpleUploadedFile(f"{number}.jpg", picture, "image/jpeg") for number in (1, 2, 3)]
    browser.post("/images/", {"file": images, "title": "a title"})
    clean_due(storage=default_storage, until=time.monotonic() + 10)
    while make_due(storage=default_storage):
        pass
    browser.get("/images/")  # shows the message, whose cookie goes
    if Upload.objects.live().filter(has_preview=True).count() != 3:
        raise SystemExit("there are no three images with previews")
    return browser


def parts(browser: Client) -> dict[str, Callable[[], Any]]:
    """Everything that is measured, by name: the two views, and parts of the page by themselves."""
    request = RequestFactory(headers={"Accept-Language": "en"}).get("/images/")
    request.COOKIES = {name: morsel.value for name, morsel in browser.cookies.items()}
    box = boxes.from_cookie(request)
    if box is None:
        raise SystemExit("the visitor has no box")
    template, context = shown(browser)
    request.user, request._messages = mock.Mock(), []  # as the middleware gives them to a visitor
    return {
        PAGE: handled(browser, "/images/"),
        CONSTANT: handled(browser, "/constant"),
        "  box cookie": lambda: boxes.from_cookie(request),
        "  query": lambda: lists.overview(box, Kind.IMAGE),
        "    for comparison, the rows by box alone": lambda: list(Upload.objects.of(box)),
        "  template": lambda: render(request, template, context),
        "    of it CSRF token": lambda: get_token(request),
        "    of it the site's address": lambda: request.build_absolute_uri("/"),
    }


def shown(browser: Client) -> tuple[str, dict[str, Any]]:
    """The template and the context of the page."""
    with mock.patch.object(lists, "render", wraps=render) as rendered:
        browser.get("/images/")
    _, template, context = rendered.call_args.args
    return template, context


@contextmanager
def gunicorn() -> Iterator[HTTPConnection]:
    """A connection to gunicorn, which serves served.py as `services/web/start` serves the program, in one process."""
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "services/web/gunicorn.conf.py")]
    command += ["--bind", f"127.0.0.1:{PORT}", "served"]
    paths = os.pathsep.join([str(ROOT / "services/app"), str(ROOT / "bench")])
    environment = os.environ | {"PYTHONPATH": paths, "WEB_CONCURRENCY": "1"}
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield connected()
    finally:
        server.terminate()
        server.wait()


def connected() -> HTTPConnection:
    """A connection to gunicorn, once it listens."""
    connection = HTTPConnection("127.0.0.1", PORT, timeout=10)
    for _ in range(100):
        try:
            connection.connect()
            return connection
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise SystemExit("gunicorn did not start")


def through_gunicorn(connection: HTTPConnection, browser: Client) -> dict[str, list[float]]:
    """Milliseconds of processor time a request in gunicorn's process, one figure a pair."""
    answer = asking(connection, browser)
    costs: dict[str, list[float]] = {PAGE: [], CONSTANT: []}
    paths = {PAGE: "/images/", CONSTANT: "/constant"}
    for number in range(PAIRS + 1):
        for name, cost in costs.items():
            began = float(answer("/processor"))
            for _ in range(REQUESTS):
                answer(paths[name])
            if number:  # the first round fills the caches
                cost.append((float(answer("/processor")) - began) / REQUESTS * 1000)
    return costs


def asking(connection: HTTPConnection, browser: Client) -> Callable[[str], bytes]:
    """A function that asks for a path as this visitor, and returns the answer's body."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    headers = {"Host": "localhost", "Accept-Language": LANGUAGES, "Cookie": cookies}

    def answer(path: str) -> bytes:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status}")
        return response.read()

    return answer


def handled(browser: Client, address: str) -> Callable[[], None]:
    """A call of the WSGI application with this visitor's GET, as a server makes it."""
    from served import application  # WhiteNoise looks for the collected files at import

    environ = browser._base_environ(PATH_INFO=address) | {"wsgi.input": BytesIO()}

    def call() -> None:
        status: list[str] = []
        response = application(dict(environ), lambda line, headers, error=None: status.append(line))
        b"".join(response)
        response.close()
        if status != ["200 OK"]:
            raise SystemExit(f"{address}: {status}")

    return call


def measured(calls: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Milliseconds of processor time a call, one figure a round."""
    costs: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(ROUNDS + 1):
        for name, call in calls.items():
            began = time.process_time()
            for _ in range(CALLS):
                call()
            if number:  # the first round fills the caches
                costs[name].append((time.process_time() - began) / CALLS * 1000)
    return costs


if __name__ == "__main__":
    main()
