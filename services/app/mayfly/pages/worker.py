"""The service worker, the page that it shows without a network, and the share target that it answers."""

import json
from functools import cache
from pathlib import Path

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from ..problems import problem
from ..uploads.choices import Kind
from ..uploads.content import IMAGE_TYPES
from ..uploads.limits import limits
from .environment import static
from .errors import answer

SCRIPT = "mayfly/bundle/worker.js"  # the build writes it
STATICS = ("mayfly/mayfly.css", "mayfly/mayfly.svg")  # all that the offline page loads


@require_safe
@csp_update({"connect-src": settings.STATIC_SOURCES})  # it fetches the page's style sheet, wherever that is
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker. Its text changes with all that it caches, so browsers notice a new version by themselves."""
    script = _script()
    if not script:
        raise Http404
    return HttpResponse(
        f"self.MAYFLY = {json.dumps(_settings())};\n{script}",
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "no-cache", "Service-Worker-Allowed": "/"},
    )


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """The page without a network. The worker asks for it without cookies, in a language of its choice."""
    response = render(request, "pages/offline.html")
    response["Cache-Control"] = "no-cache"
    return response


@csrf_exempt  # nothing is read and nothing is changed
@require_http_methods(["GET", "HEAD", "POST"])
def shared(request: HttpRequest) -> HttpResponse:
    """A share that no worker took, because the browser has none yet: refuse it, since nothing proves who sent it."""
    if request.method != "POST":
        return redirect("files")
    return answer(request, problem("not_opened"))


def _settings() -> dict[str, object]:
    """The Settings of services/assets/src/worker/index.js."""
    addresses = {path: static(path) for path in STATICS}
    return {
        "offline": reverse("offline"),
        # A file whose name does not change with its content would stay as it was.
        "statics": [address for path, address in addresses.items() if not address.endswith(path)],
        "shared": reverse("shared"),
        "images": reverse("images"),
        "files": reverse("files"),
        "types": IMAGE_TYPES,
        "kept": limits.images_kept,
        "most": limits.size(Kind.IMAGE),
    }


@cache
def _script() -> str:
    """The bundle of the worker; empty without one, as after a checkout."""
    found = finders.find(SCRIPT)
    return Path(found).read_text() if isinstance(found, str) else ""
