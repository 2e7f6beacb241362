"""The application that gunicorn serves for the benchmarks: the program, a constant view, and the process's clock."""

import os
import time
from pathlib import Path

from mayfly import settings as chosen

chosen.choose()

import django  # noqa: E402  (Django reads the settings at import)
from django.conf import settings  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

if collected := os.environ.get("BENCH_STATIC"):  # in the image they have their place
    settings.STATIC_ROOT = Path(collected)
django.setup()

from mayfly import urls  # noqa: E402
from mayfly.wsgi import application  # noqa: E402, F401  (gunicorn takes it from here)


def constant(request: HttpRequest) -> HttpResponse:
    return HttpResponse("constant")


def processor(request: HttpRequest) -> HttpResponse:
    """Seconds of processor time that this process has taken, in all its threads."""
    return HttpResponse(str(time.process_time()))


urls.urlpatterns[:0] = [path("constant", constant), path("processor", processor)]
