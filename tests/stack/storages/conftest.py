"""A server of S3 with Mayfly on it: web and the periodic tasks as processes, on SQLite, as `make run` starts them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.support.client import ApiClient, Http
from tests.support.ports import free_port
from tests.support.waiting import until
from tools.paths import APP, SERVICES

from .servers import BUCKET, KEY, SECRET, SERVERS, Server, answers, process, running

STEPS = (
    "release",
    "ready",
    "contract",
    "CORS",
    "parts",
    "form",
    "curl -T",
    "download",
    "HEAD",
    "range",
    "preview",
    "removal",
    "reconcile",
)
# The width of a column of the table.
WIDTH = 18


@dataclass
class Place:
    """A server at `address` with Mayfly on it at `url`, a client of its owner, and what release said."""

    server: Server
    address: str
    url: str
    variables: dict[str, str]
    bucket: Any
    said: list[str] = field(default_factory=list)

    def manage(self, *command: str) -> str:
        """Run a command of manage.py; returns its output, and fails the test with it if the command fails."""
        done = subprocess.run(
            [sys.executable, APP / "manage.py", *command], env=self.variables, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def keys(self, prefix: str) -> set[str]:
        listed = self.bucket.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return {item["Key"] for item in listed.get("Contents", ())}

    def transfers(self, upload_id: str) -> set[str]:
        """The keys of this upload's open transfers."""
        listed = self.bucket.list_multipart_uploads(Bucket=BUCKET, Prefix=f"uploads/{upload_id}")
        return {item["Key"] for item in listed.get("Uploads", ())}


class Visitor(ApiClient):
    """A person with a box by the API, and another one by the pages."""

    def __init__(self, url: str):
        self.clients = [httpx.Client(base_url=url, timeout=60), httpx.Client(base_url=url, timeout=60), httpx.Client()]
        api, self.browser, storage = self.clients
        super().__init__(Http(api, storage))

    def submit(self, path: str, name: str, content: bytes) -> httpx.Response:
        """Fill in the form of a page and send it, as a browser without JavaScript does."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.browser.get(path).text)[1]
        return self.browser.post(path, data={"csrfmiddlewaretoken": token}, files={"file": (name, content)})


@pytest.fixture(
    scope="session",
    params=[pytest.param(server, marks=pytest.mark.xdist_group(server.name), id=server.name) for server in SERVERS],
)
def place(request, tmp_path_factory) -> Iterator[Place]:
    server: Server = request.param
    folder, port = tmp_path_factory.mktemp(server.program), free_port()
    url = f"http://localhost:{port}"
    bytes_of_server = folder / "server"
    bytes_of_server.mkdir()
    with running(server, bytes_of_server, url) as address, closing(owner_of(address)) as bucket:
        place = Place(server, address, url, variables(folder, address, url), bucket)
        place.said.extend(place.manage("release").splitlines())
        web = [str(SERVICES / "web" / "start"), "--bind", f"127.0.0.1:{port}"]
        tasks = [sys.executable, str(APP / "manage.py"), "periodic"]
        with (
            process(web, place.variables, folder / "web.log"),
            process(tasks, place.variables, folder / "periodic.log"),
        ):
            until(lambda: answers(f"{url}/health/live"), seconds=60, every=0.2)
            yield place


def owner_of(address: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=address,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )


def variables(folder: Path, address: str, url: str) -> dict[str, str]:
    """The environment of Mayfly."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "SETTINGS_MODULE_PATH": "mayfly.settings.development",
        "SECRET_KEY": "of-the-tests-alone-" * 3,
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
        "USE_S3": "True",
        "AWS_S3_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_S3_CORS_ORIGINS": url,
    }


@pytest.fixture
def visitor(place) -> Iterator[Visitor]:
    visitor = Visitor(place.url)
    yield visitor
    for client in visitor.clients:
        client.close()


@pytest.fixture
def step(place, record_property) -> Callable[..., None]:
    """Names the step of the table that this test takes, and what the table says of it beside `yes`."""

    def note(name: str, more: str = "yes") -> None:
        assert name in STEPS
        record_property("step", (place.server.name, name, more))

    return note


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the table of servers and steps: yes, or the sentence that was shown."""
    cells: dict[tuple[str, str], str] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for server, name, more in [value for key, value in report.user_properties if key == "step"]:
            if report.failed:
                cells[server, name] = str(report.longrepr.reprcrash.message).splitlines()[0]
            elif cells.get((server, name), "yes") == "yes":
                cells[server, name] = more
    servers = [server.name for server in SERVERS if any(name == server.name for name, _ in cells)]
    rows = [("", *servers), *((name, *(cells.get((server, name), "-") for server in servers)) for name in STEPS)]
    # A sentence is too long for a column; it is below the table.
    sentences = [f"{server}, {name}: {cell}" for (server, name), cell in cells.items() if len(cell) > WIDTH]
    terminalreporter.write_line("")
    for first, *others in rows:
        columns = "".join(f"{cell if len(cell) <= WIDTH else 'no, see below':<{WIDTH + 2}}" for cell in others)
        terminalreporter.write_line(f"{first:<12}{columns}".rstrip())
    for sentence in sentences:
        terminalreporter.write_line(sentence)
