"""The stack from outside: visitors with a browser and an API client, and a view of the bucket and the table."""

import json
import os
import re
import subprocess
import warnings
from collections.abc import Callable

import boto3
import httpx
import psycopg2
import pytest
from botocore.config import Config

from tests.support import waiting
from tests.support.client import ApiClient, Http

URL = os.environ["MAYFLY_URL"]
# Ids, names and tokens of this run's visitors. At its end, no log may have one of them.
SECRETS: set[str] = set()
BUCKET = "mayfly"


def pytest_configure(config: pytest.Config) -> None:
    """Let a warning be no error here. A visitor's connections stay open, and Docker's and browsers' libraries warn."""
    for line in ("default", "ignore::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning"):
        config.addinivalue_line("filterwarnings", line)
    # The lines above hold for tests alone; pytest collects the last garbage after them.
    warnings.simplefilter("ignore", ResourceWarning)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Look at the logs when everything else is in them."""
    items.sort(key=lambda item: item.path.name == "test_logs.py")


def compose(*arguments: str) -> str:
    """Run `docker compose` on the stack under test; returns its output. `with` has set the stack's name and files."""
    return subprocess.run(
        ["docker", "compose", "--env-file", os.environ["ENV_FILE"], *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def docker(*arguments: str) -> str:
    """Run `docker`; returns its output."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def docker_inspect(*arguments: str) -> dict:
    return json.loads(docker(*arguments))[0]


def inspect(service: str) -> dict:
    """Docker's description of a service's container."""
    return docker_inspect("inspect", compose("ps", "--all", "--quiet", service).strip())


def until(holds: Callable[[], object], *, seconds: float, every: float = 0.2) -> float:
    """As `tests.support.waiting.until`, with longer pauses, because a look at the stack takes a while."""
    return waiting.until(holds, seconds=seconds, every=every)


def http_client(**options) -> httpx.Client:
    return httpx.Client(timeout=60, **options)


class Visitor(ApiClient):
    """A person with a box of their own: `api` has its token, `browser` its cookie."""

    def __init__(self, make_client: Callable[..., httpx.Client] = http_client):
        self.api, self.browser = make_client(base_url=URL), make_client(base_url=URL)
        super().__init__(Http(self.api, make_client()))

    def begin(self, content: bytes = b"hello", *, name: str = "a.txt", **more) -> dict:
        upload = super().begin(content, name=name, **more)
        SECRETS.update(text for text in (upload["id"], upload["box"], name) if text and len(text) > 8)
        return upload

    def submit(self, path: str, *, files: dict[str, bytes] | None = None, **fields: str) -> httpx.Response:
        """Fill in the form of a page and send it, as a browser without JavaScript does."""
        page = re.sub("(clear|delete)/?$", "", path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.browser.get(page).text)[1]
        parts = [("file", (name, content)) for name, content in (files or {}).items()]
        data = fields | {"csrfmiddlewaretoken": token}
        return self.browser.post(path, data=data, files=parts or None, headers={"Origin": URL})


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def stranger() -> Visitor:
    return Visitor()


class Bucket:
    """The bucket as its owner sees it, without the app."""

    def __init__(self):
        self.client = boto3.client(
            "s3",
            endpoint_url=os.environ["S3_URL"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )

    def keys(self, prefix: str = "") -> set[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return {item["Key"] for page in pages for item in page.get("Contents", ())}

    def has(self, upload: dict) -> bool:
        return f"uploads/{upload['id']}" in self.keys(f"uploads/{upload['id']}")

    def transfers(self) -> set[str]:
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=BUCKET)
        return {item["Key"] for page in pages for item in page.get("Uploads", ())}


def flower(path: str, **query: str) -> dict:
    """The answer of Flower's API, behind its login."""
    auth = tuple(os.environ["FLOWER_BASIC_AUTH"].split(":", 1))
    answer = httpx.get(f"{os.environ['FLOWER_URL']}/api/{path}", params=query, auth=auth, timeout=60)
    return answer.raise_for_status().json()


def tasks(upload: dict) -> list[dict]:
    """The tasks of this image that Flower shows."""
    return list(flower("tasks", search=upload["id"]).values())


@pytest.fixture(scope="session")
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture(scope="session")
def table():
    """A function that queries the database: `table("SELECT …", value)` returns the rows."""
    connection = psycopg2.connect(os.environ["STACK_DATABASE_URL"])
    connection.autocommit = True

    def ask(query: str, *values) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    yield ask
    connection.close()
