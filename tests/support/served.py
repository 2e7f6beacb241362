"""Web as a process: gunicorn on SQLite and a folder, as `make run` starts it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from .configuration import APP, ROOT
from .ports import free_port
from .waiting import until

COLLECT = """
import sys
from mayfly import settings; settings.choose()
import django; django.setup()
from django.conf import settings
from django.core.management import call_command
settings.STATIC_ROOT = sys.argv[1]
call_command("collectstatic", verbosity=0, interactive=False)
"""


@contextmanager
def served(place: Path, *, statics: Path | None = None, **variables: str) -> Iterator[int]:
    """Web with its data in `place`, on a port that this gives, with these static files or its own.

    `web_config.py` has its settings. Its log is `place/log`, and an error in it fails the test.
    """
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "x" * 50,
        "DATABASE_URL": f"sqlite:///{place}/db.sqlite3",
        "DATA_DIR": str(place / "data"),
        "COLLECTED": str(statics or place / "statics"),
        "WEB_CONCURRENCY": "1",
        **variables,
    }
    if not statics:
        subprocess.run([sys.executable, "-c", COLLECT, place / "statics"], env=environment, cwd=APP, check=True)
    subprocess.run([sys.executable, APP / "manage.py", "release"], env=environment, check=True, capture_output=True)
    config = ROOT / "tests/support/web_config.py"
    command = [sys.executable, ROOT / "services/web/start", "--bind", f"127.0.0.1:{port}", "--config", config]
    with open(place / "log", "w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: _answers(port), seconds=30)
        yield port
    finally:
        process.terminate()
        process.wait(30)
    said = (place / "log").read_text()
    assert "Traceback" not in said
    assert "Error" not in said


def _answers(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/health/live").status_code == 200
    return False
