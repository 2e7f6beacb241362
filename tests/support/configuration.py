"""The program as a process with certain variables starts it, and the variables that .env.var describes."""

import atexit
import json
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "services/app"
PRODUCTION = {
    "SETTINGS_MODULE_PATH": "mayfly.settings.production",
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": "drop.example",
    "DATABASE_URL": "postgres://u:p@db/mayfly",
    "REDIS_URL": "rediss://:p@redis:6379",
}
SECONDS = 60  # for one process; it takes a tenth of one
# A process that has imported the libraries, and nothing of ours. It forks for each line of standard input, and the fork
# runs the code. The libraries take a second to import, and a fork takes a hundredth.
FORKING = f"""
import json, os, signal, sys
import boto3, celery.app.base, celery.apps.worker, celery.fixups.django, decouple, dj_database_url, dateutil.parser
import django.contrib.admin, django.core.management, django.core.wsgi, kombu.pools, psycopg2, pydantic, whitenoise
for line in sys.stdin:
    job = json.loads(line)
    if not (child := os.fork()):
        signal.alarm({SECONDS})
        os.environ.clear()
        os.environ.update(job["environment"])
        for descriptor, file in (0, os.devnull), (1, job["out"]), (2, job["error"]):
            os.dup2(os.open(file, os.O_RDWR), descriptor)
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
exec(job["code"], {{"__name__": "__main__"}})
"""
SHOW = """
from mayfly import settings; settings.choose()
from django.conf import settings
print(*(getattr(settings, name) for name in NAMES), sep="|")
"""


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python beside the app with these variables and no others of ours."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as error:
        job = {"code": code, "environment": keep | variables, "out": out.name, "error": error.name}
        parent = _forking()
        parent.stdin.write(json.dumps(job) + "\n")
        parent.stdin.flush()
        status = int(parent.stdout.readline())
        return subprocess.CompletedProcess(code, status, out.read(), error.read())


@cache
def _forking() -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", FORKING], cwd=APP, text=True, **pipes)
    atexit.register(process.communicate)
    return process


def show(*names: str, **variables: str) -> list[str]:
    """The values of these settings, as a process with these variables has them."""
    result = run(f"NAMES = {names!r}{SHOW}", **variables)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().split("|")


def complaint(**variables: str) -> str:
    """The last words of a process that cannot start with these variables."""
    result = run(f"NAMES = ('DEBUG',){SHOW}", **variables)
    assert result.returncode == 1
    assert result.stdout == ""
    return result.stderr


def documented() -> dict[str, str]:
    """Each variable of .env.var, with the prose above it."""
    found, prose = {}, []
    for line in (ROOT / ".env.var").read_text().splitlines():
        if match := re.match(r"#?([A-Z][A-Z0-9_]+)=", line):
            found[match[1]] = " ".join(prose)
        elif line.startswith("#"):
            prose.append(line.lstrip("# "))
        else:
            prose = []
    return found
