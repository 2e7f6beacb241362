"""What the tests of the Django code share. The defaults here are for `make test`; `make test-stack` gives its own."""

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="mayfly-tests-"))
os.environ.setdefault("SETTINGS_MODULE_PATH", "mayfly.settings.development")
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    # A storage for each, as pytest-django makes a database for each: reconcile looks at all there is.
    os.environ["DATA_DIR"] = os.path.join(os.environ["DATA_DIR"], worker)
    if bucket := os.environ.get("AWS_STORAGE_BUCKET_NAME"):
        os.environ["AWS_STORAGE_BUCKET_NAME"] = f"{bucket}-{worker}"

from mayfly import settings as chosen

chosen.choose()

import django

django.setup()
# A worker of xdist would inherit it, and read the settings before it comes to the lines above.
del os.environ["DJANGO_SETTINGS_MODULE"]

import httpx
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db.models.functions import Now
from django.test import Client
from django.utils.translation import override

from mayfly.uploads import limits as limits_module
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory) -> None:
    """SQLite in a file, as `make run` has it: threads of a test see one database, not each its own memory."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def prepared(tmp_path_factory) -> None:
    """Static files are collected and storage is ready, as after a build and a release."""
    settings.STATIC_ROOT = tmp_path_factory.mktemp("static")
    call_command("collectstatic", verbosity=0, interactive=False)
    default_storage.prepare()


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """A request leaves its language behind, until the next one in this thread."""
    with override("en"):
        yield


@pytest.fixture
def limits(monkeypatch):
    """Change limits for one test: `limits(images_kept=0)`."""

    def change(**changes) -> None:
        for name, value in changes.items():
            monkeypatch.setattr(limits_module.limits, name, value)

    return change


@dataclass
class Person:
    """Somebody with a box of their own: `get`, `post` and the like send its token; `browser` its cookie."""

    box: str = field(default_factory=new_id)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {boxes.token_of(self.box)}"}

    @property
    def browser(self) -> Client:
        client = Client()
        client.cookies[boxes.COOKIE] = boxes.token_of(self.box)
        return client

    def request(self, method: str, path: str, data=None):
        body = {} if data is None else {"data": data, "content_type": "application/json"}
        return getattr(Client(), method)(path, headers=self.headers, **body)

    def get(self, path: str):
        return self.request("get", path)

    def delete(self, path: str):
        return self.request("delete", path)

    def post(self, path: str, data=None):
        return self.request("post", path, {} if data is None else data)

    def begin(self, content: bytes = b"hello", *, kind: str = "file", name: str = "a.txt", **more) -> dict:
        response = self.post("/api/uploads", {"kind": kind, "name": name, "size": len(content)} | more)
        assert response.status_code == 201, response.content
        return response.json()

    def sign(self, upload: dict, *numbers: int) -> list[dict]:
        response = self.post(f"/api/uploads/{upload['id']}/parts", {"numbers": list(numbers)})
        assert response.status_code == 200, response.content
        return response.json()["parts"]

    def send_parts(self, upload: dict, content: bytes) -> None:
        size = upload["transfer"]["part_size"]
        for part in self.sign(upload, *range(1, upload["transfer"]["parts"] + 1)):
            start = (part["number"] - 1) * size
            answer = send(part, content[start : start + part["size"]])
            assert answer in (200, 201), answer

    def upload(self, content: bytes = b"hello", **more) -> dict:
        """Begin, send and complete: the whole of the main job."""
        upload = self.begin(content, **more)
        self.send_parts(upload, content)
        response = self.post(f"/api/uploads/{upload['id']}/complete")
        assert response.status_code == 200, response.content
        return response.json()


def send(part: dict, content: bytes) -> int:
    """PUT a part as a client does, to the app or to S3; returns the status."""
    if part["url"].startswith("http://testserver/"):
        headers = {"Content-Length": str(len(content))} | part["headers"]
        return (
            Client()
            .put(part["url"].removeprefix("http://testserver"), content, "application/octet-stream", headers=headers)
            .status_code
        )
    return httpx.put(part["url"], content=content, headers=part["headers"]).status_code


def fetch(url: str) -> httpx.Response | object:
    """GET what a download redirects to, from the app or from S3."""
    return Client().get(url) if url.startswith("/") else httpx.get(url)


def body_of(response) -> bytes:
    return b"".join(response.streaming_content) if getattr(response, "streaming", False) else response.content


def storage_class() -> type:
    """The class of the storage in use, to replace a method of; a test that changed the settings has undone it."""
    default_storage.check()
    return type(default_storage._wrapped)


def expire(upload: Upload | dict) -> Upload:
    """Let an upload's time be over by a second, as the database's clock has it."""
    pk = upload["id"] if isinstance(upload, dict) else upload.pk
    Upload.objects.filter(pk=pk).update(expires_at=Now() - timedelta(seconds=1))
    return Upload.objects.get(pk=pk)


def a_moment_later() -> None:
    """Let the database's clock move on: SQLite's has milliseconds, and what happens in one of them has no order."""
    time.sleep(0.005)


@pytest.fixture
def owner() -> Person:
    return Person()


@pytest.fixture
def stranger() -> Person:
    return Person()
