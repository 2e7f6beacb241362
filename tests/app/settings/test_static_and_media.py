"""What the earlier versions promised of static files and media, each way of keeping them, with DEBUG=False.

Each runs what is shipped: the start script of web with the production settings, in a copy of the program with nothing
else around it. V1 and V2 are whitenoise and no S3, V3 and V4 are s3 and S3.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ..conftest import PNG
from ..storages import new_key
from .test_settings import PRODUCTION, ROOT

pytest_plugins = ["tests.app.storages"]
# As a router in front sends them.
THROUGH = {"Host": "drop.example", "X-Forwarded-Proto": "https"}


@dataclass
class Web:
    """The web process, and what it was started with."""

    address: str
    static_storage: str
    use_s3: bool
    s3: str

    def get(self, path: str) -> httpx.Response:
        """By a path at web's own address, or anywhere else by a whole URL."""
        if path.startswith("https://drop.example"):
            path = path.removeprefix("https://drop.example")
        return httpx.get(self.address + path, headers=THROUGH) if path.startswith("/") else httpx.get(path)


@pytest.fixture(
    scope="module",
    params=[(static, use_s3) for static in ("whitenoise", "s3") for use_s3 in (False, True)],
    ids=lambda param: f"static-{param[0]}-media-{'s3' if param[1] else 'local'}",
)
def web(request, s3_options, tmp_path_factory):
    static_storage, use_s3 = request.param
    place = tmp_path_factory.mktemp("web")
    services = shutil.copytree(
        ROOT / "services", place / "services", ignore=shutil.ignore_patterns("staticfiles", "data", "__pycache__")
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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
        "PORT": str(port),
    }
    for command in (["collectstatic", "--no-input", "--verbosity", "0"], ["release"]):
        subprocess.run([sys.executable, services / "app/manage.py", *command], env=environment, check=True)
    process = subprocess.Popen([services / "web/start", "--bind", f"127.0.0.1:{port}"], env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{address}/health/live")
                break
            except httpx.HTTPError:
                assert process.poll() is None
                time.sleep(0.1)
        yield Web(address, static_storage, use_s3, s3_options["endpoint_url"])
    finally:
        process.terminate()
        process.wait(30)


def test_a_page_finds_its_style_where_static_files_are_kept(web):
    page = web.get("/images/")
    assert page.status_code == 200
    href = next(part for part in page.text.split('"') if "/static/mayfly/mayfly" in part and part.endswith(".css"))
    assert href.startswith(web.s3) is (web.static_storage == "s3")
    style = web.get(href)
    assert style.status_code == 200
    assert style.headers["Content-Type"].startswith("text/css")
    assert "immutable" in style.headers["Cache-Control"]
    assert "max-age=31" in style.headers["Cache-Control"]


def test_the_uploader_and_every_piece_of_it_are_there_and_allowed_to_run(web):
    page = web.get("/images/")
    for script in re.findall(r'src="([^"]+bundle/[^"]+\.js)"', page.text):
        origin = "/".join(script.split("/")[:3]) if web.static_storage == "s3" else "'self'"
        assert origin in re.search("script-src ([^;]+)", page.headers["Content-Security-Policy"])[1].split()
        code = web.get(script)
        assert code.status_code == 200
        pieces = re.findall(r'"\./(chunk-\w+\.js)"', code.text)
        assert pieces
        for piece in pieces:
            assert web.get(f"{script.rpartition('/')[0]}/{piece}").status_code == 200


def test_the_admin_finds_its_style_too(web):
    page = web.get("/admin/login/")
    href = next(part for part in page.text.split('"') if "/static/admin/css/base" in part)
    assert web.get(href).status_code == 200


def test_media_comes_back_from_where_it_is_kept(web):
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


def test_what_is_not_there_is_told_without_a_traceback(web):
    answer = web.get("/there-is-no-such-page/")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert "DEBUG" not in answer.text
