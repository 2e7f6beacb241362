"""The promises of the earlier versions about static files and media, for each place to keep them, with DEBUG=False.

Each test runs the shipped program: the start script of web with the production settings, in a copy of services/ alone.
V1 and V2 are whitenoise without S3; V3 and V4 are s3 with S3.
"""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ...support.configuration import PRODUCTION
from ...support.ports import free_port
from ...support.samples import PNG
from ...support.statics import with_statics
from ...support.storages import new_key
from ...support.waiting import until

pytest_plugins = ["tests.support.storages"]
pytestmark = pytest.mark.slow
# The headers that a router in front adds.
THROUGH = {"Host": "drop.example", "X-Forwarded-Proto": "https"}


def answers(process: subprocess.Popen, address: str) -> bool:
    """Whether web is up. Fails if it has ended."""
    assert process.poll() is None
    with suppress(httpx.TransportError):
        return httpx.get(f"{address}/health/live", headers=THROUGH).status_code == 200
    return False


@dataclass
class Web:
    """The web process, and the configuration that it runs with."""

    address: str
    static_storage: str
    use_s3: bool
    s3: str

    def get(self, path: str) -> httpx.Response:
        """GET a path at web's own address, or a whole URL anywhere else."""
        if path.startswith("https://drop.example"):
            path = path.removeprefix("https://drop.example")
        return httpx.get(self.address + path, headers=THROUGH) if path.startswith("/") else httpx.get(path)


@pytest.fixture(
    scope="module",
    params=[(static, use_s3) for static in ("whitenoise", "s3") for use_s3 in (False, True)],
    ids=lambda param: f"static-{param[0]}-media-{'s3' if param[1] else 'local'}",
)
def web(request, static_root, s3_options, tmp_path_factory):
    static_storage, use_s3 = request.param
    place = tmp_path_factory.mktemp("web")
    services, port = with_statics(place, static_root), free_port()
    environment = PRODUCTION | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SECRET_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "DATABASE_URL": f"sqlite:///{place}/db.sqlite3",
        "DATA_DIR": str(place / "data"),
        "STATIC_STORAGE": static_storage,
        "USE_S3": str(use_s3),
        "AWS_ACCESS_KEY_ID": s3_options["access_key"],
        "AWS_SECRET_ACCESS_KEY": s3_options["secret_key"],
        "AWS_STORAGE_BUCKET_NAME": new_key().replace("uploads/", "media-"),
        "AWS_STATIC_BUCKET_NAME": new_key().replace("uploads/", "statics-"),
        "AWS_S3_ENDPOINT_URL": s3_options["endpoint_url"],
        "CELERY_TASK_ALWAYS_EAGER": "True",
        "WEB_CONCURRENCY": "1",
        "ADMIN": "True",
        "PORT": str(port),
    }
    subprocess.run([sys.executable, services / "app/manage.py", "release"], env=environment, check=True)
    process = subprocess.Popen([services / "web/start", "--bind", f"127.0.0.1:{port}"], env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(process, address), seconds=30)
        yield Web(address, static_storage, use_s3, s3_options["endpoint_url"])
    finally:
        process.terminate()
        process.wait(30)


def test_a_page_loads_its_stylesheet(web):
    page = web.get("/images/")
    assert page.status_code == 200
    href = next(part for part in page.text.split('"') if "/static/mayfly/mayfly" in part and part.endswith(".css"))
    assert href.startswith(web.s3) is (web.static_storage == "s3")
    style = web.get(href)
    assert style.status_code == 200
    assert style.headers["Content-Type"].startswith("text/css")
    assert "immutable" in style.headers["Cache-Control"]
    assert "max-age=31" in style.headers["Cache-Control"]


def test_the_policy_allows_every_script_of_a_page(web):
    page = web.get("/images/")
    scripts = re.findall(r'src="([^"]+bundle/[^"]+\.js)"', page.text)
    assert len(scripts) == 2
    for script in scripts:
        sources = re.search("script-src ([^;]+)", page.headers["Content-Security-Policy"])[1].split()
        folder = script.partition("/static/")[0] + "/static/"
        assert sources == (["'self'", folder] if web.static_storage == "s3" else ["'self'"])
        assert web.get(script).status_code == 200


def test_the_worker_may_fetch_all_that_it_caches(web):
    worker = web.get("/app/worker.js")
    allowed = re.search("connect-src ([^;]+)", worker.headers["Content-Security-Policy"])[1].split()
    statics = json.loads(re.match(r"self\.MAYFLY = (.*);\n", worker.text)[1])["statics"]
    assert len(statics) == 2
    for static in statics:
        assert web.get(static).status_code == 200
        if web.static_storage == "s3":
            assert any(static.startswith(source) for source in allowed)


def test_the_admin_loads_its_stylesheet(web):
    page = web.get("/admin/login/")
    href = next(part for part in page.text.split('"') if "/static/admin/css/base" in part)
    assert web.get(href).status_code == 200


def test_an_uploaded_image_is_served_from_its_storage(web):
    sent = httpx.put(f"{web.address}/a.png", content=PNG, headers=THROUGH)
    assert sent.status_code in (200, 201), sent.text
    first = web.get(sent.text.strip().rstrip("/") + "/download")
    assert first.status_code == 302
    assert first.headers["Location"].startswith(web.s3) is web.use_s3
    media = web.get(first.headers["Location"])
    assert media.status_code == 200
    assert media.content == PNG
    assert "attachment" in media.headers["Content-Disposition"]
    assert "no-store" in media.headers["Cache-Control"]


def test_a_missing_page_shows_no_traceback(web):
    answer = web.get("/there-is-no-such-page/")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert "DEBUG" not in answer.text
