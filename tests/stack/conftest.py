"""The stack from outside: visitors with a browser and an API client, and a view of the bucket and the table."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import boto3
import httpx
import psycopg2
import pytest
from botocore.config import Config

URL = os.environ["MAYFLY_URL"]
BUCKET = "mayfly"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def compose(*arguments: str) -> str:
    """Run `docker compose` on the stack under test; returns its output. `with` has set the stack's name and files."""
    return subprocess.run(
        ["docker", "compose", "--env-file", os.environ["ENV_FILE"], *arguments],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def docker_inspect(*arguments: str) -> dict:
    return json.loads(subprocess.run(["docker", *arguments], check=True, capture_output=True).stdout)[0]


def inspect(service: str) -> dict:
    """Docker's description of a service's container."""
    return docker_inspect("inspect", compose("ps", "--all", "--quiet", service).strip())


def until(true: Callable[[], object], *, seconds: float, every: float = 0.2) -> float:
    """Wait until `true()`; returns the seconds that it took. Fails after `seconds`."""
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < seconds, f"not within {seconds} s"
        time.sleep(every)
    return time.monotonic() - start


@dataclass
class Visitor:
    """A person with a box of their own: `api` has its token, `browser` its cookie."""

    api: httpx.Client = field(default_factory=lambda: httpx.Client(base_url=URL, timeout=30))
    browser: httpx.Client = field(default_factory=lambda: httpx.Client(base_url=URL, timeout=30))

    def begin(self, content: bytes, *, kind: str = "file", name: str = "a.bin", **more) -> dict:
        response = self.api.post("/api/uploads", json={"kind": kind, "name": name, "size": len(content)} | more)
        assert response.status_code == 201, response.text
        upload = response.json()
        if upload["box"]:
            self.api.headers["Authorization"] = f"Bearer {upload['box']}"
        return upload

    def sign(self, upload: dict, *numbers: int) -> list[dict]:
        response = self.api.post(f"/api/uploads/{upload['id']}/parts", json={"numbers": list(numbers)})
        assert response.status_code == 200, response.text
        return response.json()["parts"]

    def send(self, upload: dict, content: bytes, *numbers: int) -> None:
        size = upload["transfer"]["part_size"]
        for part in self.sign(upload, *(numbers or range(1, upload["transfer"]["parts"] + 1))):
            start = (part["number"] - 1) * size
            body = content[start : start + part["size"]]
            response = httpx.put(part["url"], content=body, headers=part["headers"], timeout=60)
            assert response.status_code == 200, response.text

    def upload(self, content: bytes, **more) -> dict:
        upload = self.begin(content, **more)
        self.send(upload, content)
        response = self.api.post(f"/api/uploads/{upload['id']}/complete")
        assert response.status_code == 200, response.text
        return response.json()

    def list(self, kind: str = "") -> list[dict]:
        return self.api.get("/api/uploads", params={"kind": kind} if kind else {}).json()["uploads"]

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
