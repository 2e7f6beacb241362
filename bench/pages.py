"""The cost of a page in processor time: My Images with three images, beside a view that answers a constant.

Both run in one process and pass through the whole program as gunicorn calls it: the WSGI handler, every middleware, the
same cookies. A row is a part of the page's time, measured in turn with all the others, so that a busy machine slows all
of them alike. About 15 s.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "services" / "app"))
WORK = tempfile.TemporaryDirectory(prefix="mayfly-bench-")
# SQLite and the folder storage, as in `make run`. Nothing comes from a developer's own environment.
os.environ.update(
    SECRET_KEY="only-for-figures-" + "x" * 40,
    DATA_DIR=WORK.name,
    DJANGO_SETTINGS_MODULE="mayfly.settings.development",
    SETTINGS_MODULE_PATH="mayfly.settings.development",
)
for name in ("DATABASE_URL", "REDIS_URL", "USE_S3", "STATIC_STORAGE", "DEBUG_DESENV", "SHARED_BOX", "IMAGES_KEPT"):
    os.environ.pop(name, None)

import django  # noqa: E402
import pyvips  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.middleware.csrf import get_token  # noqa: E402
from django.shortcuts import render  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.urls import path  # noqa: E402

from mayfly import urls  # noqa: E402
from mayfly.pages import lists  # noqa: E402
from mayfly.previews.make import make_due  # noqa: E402
from mayfly.uploads.choices import Kind  # noqa: E402
from mayfly.uploads.models import Upload  # noqa: E402
from mayfly.visitors import boxes  # noqa: E402

ROUNDS, CALLS = 25, 20
PAGE, CONSTANT = "My Images, three images", "a constant view: handler and middleware"


def main() -> None:
    urls.urlpatterns.insert(0, path("constant", constant))
    browser = prepared()
    costs = measured(parts(browser))
    unit = median(costs[CONSTANT])
    print(f"{'GET My Images, processor time':<44}{'ms':>8}{'x constant':>12}")
    for name, cost in costs.items():
        print(f"{name:<44}{median(cost):>8.3f}{median(cost) / unit:>12.2f}")
    ratio = median(page / constant for page, constant in zip(costs[PAGE], costs[CONSTANT], strict=True))
    print(f"the page costs {ratio:.2f} x what the constant view costs")


def constant(request: HttpRequest) -> HttpResponse:
    return HttpResponse("constant")


def prepared() -> Client:
    """Database, storage and static files as after a release, and a visitor with three images and their previews."""
    settings.STATIC_ROOT = Path(WORK.name) / "static"
    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("collectstatic", verbosity=0, interactive=False)
    call_command("migrate", verbosity=0)
    default_storage.prepare()
    browser = Client(headers={"Accept-Language": "en-GB,en;q=0.9,es;q=0.7"})
    browser.get("/images/")
    picture = pyvips.Image.black(640, 480).jpegsave_buffer()
    images = [SimpleUploadedFile(f"{number}.jpg", picture, "image/jpeg") for number in (1, 2, 3)]
    browser.post("/images/", {"file": images, "title": "a title"})
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
        "  query": lambda: lists.shown(box, Kind.IMAGE),
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


def handled(browser: Client, address: str) -> Callable[[], None]:
    """A call of the WSGI application with this visitor's GET, as a server makes it."""
    application = get_wsgi_application()
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
