"""Flower shows the tasks behind a login and changes nothing. No broker is needed to see that."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from flower import urls
from tornado.web import RequestHandler

from ..support.configuration import ROOT
from ..support.ports import free_port
from ..support.waiting import until

LOGIN = ("mayfly", "secret")
CONTROL = [
    "worker/shutdown/removal@x",
    "worker/pool/restart/removal@x",
    "worker/pool/grow/removal@x",
    "worker/pool/shrink/removal@x",
    "worker/pool/autoscale/removal@x",
    "worker/queue/add-consumer/removal@x",
    "worker/queue/cancel-consumer/removal@x",
    "task/apply/uploads.tasks.sweep",
    "task/async-apply/uploads.tasks.sweep",
    "task/send-task/uploads.tasks.sweep",
    "task/abort/4f5e",
    "task/timeout/uploads.tasks.sweep",
    "task/rate-limit/uploads.tasks.sweep",
    "task/revoke/4f5e",
]


@dataclass
class Flower:
    process: subprocess.Popen
    url: str
    folder: Path

    def answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return httpx.get(f"{self.url}/healthcheck").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def flower(tmp_path_factory) -> Iterator[Flower]:
    folder, port = tmp_path_factory.mktemp("flower"), free_port()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "SECRET_KEY": "x", "REDIS_URL": "redis://127.0.0.1:1/0"}
    process = subprocess.Popen(
        [ROOT / "services/worker/start", "flower", "--address=127.0.0.1", f"--port={port}", f"--db={folder}/tasks"],
        env=own | {"FLOWER_BASIC_AUTH": ":".join(LOGIN), "FLOWER_UNAUTHENTICATED_API": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    flower = Flower(process, f"http://127.0.0.1:{port}", folder)
    until(flower.answers, seconds=30)
    yield flower
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    assert list(folder.iterdir()), "nothing was kept for the next start"


@pytest.mark.parametrize("path", CONTROL)
def test_flower_refuses_control_even_with_the_login(flower, path):
    """Case 94."""
    assert httpx.post(f"{flower.url}/api/{path}").status_code == 401
    answer = httpx.post(f"{flower.url}/api/{path}", auth=LOGIN, data={"n": "1", "min": "1", "max": "1", "queue": "x"})
    assert (answer.status_code, answer.text) == (403, "Read only mode is enabled")


@pytest.mark.parametrize("path", ["", "workers", "tasks", "broker", "metrics", "api/tasks", "api/workers", "task/4f5e"])
def test_flower_shows_nothing_without_the_login(flower, path):
    """Case 94."""
    assert httpx.get(f"{flower.url}/{path}").status_code == 401
    assert httpx.get(f"{flower.url}/{path}", auth=("mayfly", "wrong")).status_code == 401


def test_flower_gives_its_figures_to_the_login(flower):
    answer = httpx.get(f"{flower.url}/metrics", auth=LOGIN)
    assert answer.status_code == 200
    assert "flower_events_total" in answer.text


def test_every_way_of_control_in_flower_is_known():
    """A later version of Flower may have others, which would need a look."""
    of_flower = [handler for handler in urls.handlers if isinstance(handler, tuple) and handler[0].startswith("/api/")]
    changing = {
        path
        for path, handler in of_flower
        if any(getattr(handler, way) is not getattr(RequestHandler, way) for way in ("post", "put", "patch", "delete"))
    }
    assert changing == {f"/api/{path.rpartition('/')[0]}/(.+)" for path in CONTROL}
