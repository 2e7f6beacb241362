"""Both storages, and the outside world that sends to them and fetches from them by signed URLs.

S3 is moto, or the stack's LocalStack if AWS_S3_ENDPOINT_URL names it. moto checks no signatures, so tests of signatures
use `strict_storage`, which leaves moto out.

A test module that wants the fixtures names this one in `pytest_plugins`.
PYTEST_DONT_REWRITE: test modules import the helpers before pytest loads the fixtures.
"""

import logging
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps

import httpx
import pytest
from django.test import Client
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend
from moto.server import ThreadedMotoServer

from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import UploadStorage
from mayfly.storage.s3.storage import S3UploadStorage

from .people import body_of

STACK = os.environ.get("AWS_S3_ENDPOINT_URL")
MINUTE = timedelta(minutes=1)
# The least that S3 takes for every part but the last.
FULL = 5 * 1024 * 1024


@dataclass
class Answer:
    """An answer over HTTP, from Django in this process or from S3."""

    status: int
    headers: httpx.Headers
    body: bytes


class World:
    """A client with nothing but a signed URL."""

    def __init__(self, http: httpx.Client):
        self._http = http

    def put(self, url: str, content: bytes) -> Answer:
        if url.startswith("/"):
            headers = {"Content-Length": str(len(content))}
            return self._of_django(Client().put(url, content, "application/octet-stream", headers=headers))
        return self._of_httpx(self._http.put(url, content=content))

    def get(self, url: str) -> Answer:
        return self._of_django(Client().get(url)) if url.startswith("/") else self._of_httpx(self._http.get(url))

    def send(self, storage: UploadStorage, key: str, transfer_id: str, number: int, content: bytes) -> Answer:
        """Send a part as a client does: ask for a URL, PUT to it."""
        signed = storage.sign_part(key, transfer_id, number, len(content), lifetime=MINUTE)
        assert (signed.number, signed.size, signed.headers) == (number, len(content), {})
        return self.put(signed.url, content)

    def fetch(self, storage: UploadStorage, key: str, *, name: str = "a.txt", content_type: str = OCTETS) -> Answer:
        """Follow a download's URL."""
        return self.get(storage.sign_download(key, name=name, content_type=content_type, lifetime=MINUTE))

    def _of_django(self, response) -> Answer:
        return Answer(response.status_code, httpx.Headers(response.headers), body_of(response))

    def _of_httpx(self, response: httpx.Response) -> Answer:
        return Answer(response.status_code, response.headers, response.content)


@pytest.fixture(scope="session")
def s3_options() -> Iterator[dict]:
    """The options of an S3UploadStorage that works."""
    if STACK:
        yield {
            "access_key": os.environ["AWS_ACCESS_KEY_ID"],
            "secret_key": os.environ["AWS_SECRET_ACCESS_KEY"],
            "bucket_name": os.environ["AWS_STORAGE_BUCKET_NAME"],
            "region_name": os.environ.get("AWS_S3_REGION_NAME") or "us-east-1",
            "endpoint_url": STACK,
            # Those of the stack, so that preparing its bucket here changes nothing there.
            "cors_origins": re.split(r"\s*,\s*", os.environ.get("AWS_S3_CORS_ORIGINS") or "*"),
        }
        return
    for name in ("complete_multipart_upload", "upload_part"):
        setattr(S3Backend, name, _refusing_closed_transfers(getattr(S3Backend, name)))
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "access_key": "test",
        "secret_key": "test",
        "bucket_name": "mayfly-test",
        "region_name": "us-east-1",
        "endpoint_url": f"http://{host}:{port}",
        "cors_origins": ["http://localhost:8080"],
    }
    server.stop()


def _refusing_closed_transfers(call):
    """moto answers 500 if there is no such upload; S3 says so."""

    @wraps(call)
    def checked(backend, bucket_name, multipart_id, *arguments):
        if multipart_id not in backend.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return call(backend, bucket_name, multipart_id, *arguments)

    return checked


@pytest.fixture(scope="session")
def s3(s3_options) -> S3UploadStorage:
    storage = S3UploadStorage(**s3_options)
    storage.prepare()
    return storage


@pytest.fixture
def local(tmp_path, settings, db) -> FolderUploadStorage:
    """The folder as the default storage, with the views that serve it.

    The views ask no query. Django looks at the database's connection at the end of every request, though.
    """
    settings.ROOT_URLCONF = "mayfly.api.bytes"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "mayfly.storage.folder.storage.FolderUploadStorage",
            "OPTIONS": {"location": tmp_path / "storage"},
        }
    }
    storage = FolderUploadStorage(tmp_path / "storage")
    storage.prepare()
    return storage


@pytest.fixture(params=["local", "s3"])
def storage(request) -> UploadStorage:
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["local", "s3"] if STACK else ["local"])
def strict_storage(request) -> UploadStorage:
    """A storage that checks what was signed."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    with httpx.Client() as http:
        yield World(http)


@pytest.fixture
def key(request) -> Iterator[str]:
    """A key for this test alone. Nothing stays under it."""
    name = "storage" if "storage" in request.fixturenames else "strict_storage"
    storage = request.getfixturevalue(name)
    key = new_key()
    yield key
    storage.abort_transfers(key)
    storage.remove([key])


def new_key() -> str:
    return f"uploads/{secrets.token_hex(11)}"


def open_transfer(storage: UploadStorage, key: str) -> str:
    """Returns the id of the new transfer."""
    return storage.open_transfer(key, content_type=OCTETS)


def stored(storage: UploadStorage, key: str, *contents: bytes) -> str:
    """Make these contents, a part each, the object under the key. Returns the transfer's id."""
    transfer_id = open_transfer(storage, key)
    parts = [storage.write_part(key, transfer_id, number, content) for number, content in enumerate(contents, 1)]
    storage.complete_transfer(key, transfer_id, parts)
    return transfer_id
