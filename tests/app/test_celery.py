"""The Celery application: the parts of Celery that ours replaces, and the signs of life."""

import inspect
import json
import os
import signal
import subprocess
import sys

import celery.apps.worker
import celery.bin.worker
import pytest
from celery.apps.worker import Worker

from mayfly.celery import PatientWorker, app, sign_of_life

LOADED = """
import json, sys
from mayfly.celery import app, load_once
app.loader.import_default_modules()
load_once()
print(json.dumps(sorted({name for name in sys.modules})))
"""


def test_celery_makes_its_worker_from_ours():
    assert issubclass(app.Worker, PatientWorker)
    assert "app.Worker(" in inspect.getsource(celery.bin.worker)


def test_celery_calls_the_method_that_ours_overrides():
    assert "worker.wait_for_soft_shutdown()" in inspect.getsource(celery.apps.worker.on_cold_shutdown)
    assert callable(Worker.wait_for_soft_shutdown)


def test_a_second_sigterm_is_ignored_once_the_soft_shutdown_begins(monkeypatch):
    seen = []
    monkeypatch.setattr(Worker, "wait_for_soft_shutdown", lambda self: seen.append(signal.getsignal(signal.SIGTERM)))
    before = signal.getsignal(signal.SIGTERM)
    try:
        PatientWorker.wait_for_soft_shutdown(object.__new__(PatientWorker))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIG_IGN]


@pytest.mark.parametrize("name", ["removal", "previews", "beat", "periodic"])
def test_each_process_has_a_sign_of_life_of_its_own(name, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert sign_of_life(name) == tmp_path / f"{name}.alive"


def test_a_worker_loads_neither_pages_nor_api(settings, tmp_path):
    """Each of the worker's five processes has in memory all that is loaded. A small dyno has 512 MB."""
    environment = os.environ | {"CELERY_SKIP_CHECKS": "true", "DATA_DIR": str(tmp_path), "REDIS_URL": "redis://redis"}
    said = subprocess.run(
        [sys.executable, "-c", LOADED], env=environment, cwd=settings.BASE_DIR, check=True, capture_output=True
    )
    loaded = json.loads(said.stdout)
    assert {"mayfly.uploads.tasks", "mayfly.previews.tasks", "mayfly.abuse.tasks"} <= set(loaded)
    heavy = {"ninja", "pydantic", "jinja2", "django.test", "mayfly.urls", "mayfly.api", "mayfly.pages.lists", "pyvips"}
    assert heavy.isdisjoint(loaded)
