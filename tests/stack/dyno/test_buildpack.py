"""The app on Heroku's buildpack stack: these tests do what the Python buildpack does."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.ports import free_port

from ..conftest import until
from .dynos import ROOT

LINES = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def slug(tmp_path_factory) -> Path:
    """The files that a push sends, with their requirements in an environment of their own."""
    folder = tmp_path_factory.mktemp("slug")
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(lambda name: name and (ROOT / name).is_file(), files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    subprocess.run([sys.executable, "-m", "venv", folder / ".heroku"], check=True)
    pip = [folder / ".heroku/bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--requirement", "requirements.txt"], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def config(app) -> dict[str, str]:
    """The config vars of the app, with the addresses that the add-ons have on this machine."""
    return app.config | {
        "DATABASE_URL": f"postgres://mayfly:secret@127.0.0.1:{os.environ['TEST_POSTGRES_PORT']}/mayfly",
        "REDIS_URL": f"rediss://:secret@127.0.0.1:{os.environ['TEST_REDIS_PORT']}",
        "AWS_S3_ENDPOINT_URL": os.environ["S3_URL"],
    }


def start(slug: Path, line: str, config: dict[str, str], log: Path, **variables: str) -> subprocess.Popen:
    """Start a process of the Procfile, with the config vars and no variable of this machine."""
    own = {"PATH": f"{slug}/.heroku/bin:/usr/bin:/bin", "HOME": str(slug), "TMPDIR": str(slug)}
    with log.open("w") as out:
        return subprocess.Popen(
            ["bash", "-c", LINES[line]],
            cwd=slug,
            env=own | config | {"DYNO": f"{line}.1"} | variables,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def test_the_buildpack_finds_the_files_that_it_needs():
    assert set(LINES) == {"release", "web", "worker"}
    assert re.fullmatch(r"3\.\d+\n", (ROOT / ".python-version").read_text())
    assert list(ROOT.glob("services/app/manage.py")), "it looks for manage.py in three levels of folders only"


def test_the_buildpack_collects_static_files_with_the_apps_settings(slug, config):
    own = {"PATH": f"{slug}/.heroku/bin:/usr/bin:/bin"}
    by_itself = ["python", "services/app/manage.py", "collectstatic", "--noinput"]
    for command, environment in ((by_itself, own), (["bin/post_compile"], os.environ | own)):
        done = subprocess.run(command, cwd=slug, env=environment | config, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    collected = slug / "services/app/staticfiles/mayfly"
    assert list(collected.glob("mayfly.*.css"))
    assert list(collected.glob("bundle/upload.*.js"))
    assert not (slug / "services/assets/node_modules").exists()


def test_every_line_of_the_procfile_runs(app, slug, config, tmp_path):
    release = start(slug, "release", config, tmp_path / "release")
    assert release.wait(60) == 0, (tmp_path / "release").read_text()
    port = str(free_port())
    address = f"http://127.0.0.1:{port}"
    app.worker.stop()  # the plan has too few connections for two workers
    processes = [
        start(slug, "web", config, tmp_path / "web", PORT=port),
        start(slug, "worker", config, tmp_path / "worker"),
    ]
    try:
        until(lambda: answer(f"{address}/health/live") == 200, seconds=60)
        until(lambda: (slug / "removal.alive").exists() and (slug / "beat.alive").exists(), seconds=60)
        through = {"Host": "127.0.0.1", "X-Forwarded-Proto": "https"}
        page = httpx.get(f"{address}/images/", headers=through)
        assert page.status_code == 200
        css = re.search(r'href="(/static/[^"]+\.css)"', page.text)[1]
        assert "immutable" in httpx.get(address + css, headers=through).headers["Cache-Control"]
        until(lambda: answer(f"{address}/health/ready") == 200, seconds=60)
    finally:
        for process in processes:
            process.terminate()
        statuses = [process.wait(30) for process in processes]
        app.worker.remove()
        app.start_worker()
    assert statuses == [0, 0]


def answer(url: str) -> int | None:
    try:
        return httpx.get(url, timeout=35).status_code
    except httpx.HTTPError:
        return None
