"""The command line as a user has it: a process of its own, with a home of its own, against a running server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support.configuration import ROOT
from ..support.gate import Gate
from ..support.served import served

SECONDS = 60  # for one command


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Let commands be interrupted, even if the tests run in the background of a shell, which ignores SIGINT there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """The folder of the server's data and database."""
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="session")
def port(place) -> Iterator[int]:
    unlimited = {f"RATE_{name}": "0" for name in ("UPLOADS_ADDRESS", "UPLOADS_BOX", "DOWNLOADS")}
    with served(place, WEB_THREADS="8", **unlimited) as port:
        yield port


@pytest.fixture
def gate(port) -> Iterator[Gate]:
    with Gate(port) as gate:
        yield gate


class Home:
    """A user's home and current folder. `run` gives the process after it has ended."""

    def __init__(self, folder: Path, server: str):
        self.folder, self.server = folder, server
        self.work = folder / "work"
        self.work.mkdir()

    def environment(self, **variables: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PYTHONPATH": str(ROOT / "cli/src"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "MAYFLY_SERVER": self.server,
            **variables,
        }

    def start(self, *arguments: object, terminal: int | None = None, **variables: str) -> subprocess.Popen[str]:
        """Start a command. With a `terminal`, a file descriptor, it reads from that, and from no other one."""
        return subprocess.Popen(
            [sys.executable, "-m", "mayfly_cli", *map(str, arguments)],
            cwd=self.work,
            env=self.environment(**variables),
            stdin=subprocess.PIPE if terminal is None else terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=terminal is not None,
            text=True,
        )

    def run(self, *arguments: object, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, **variables)
        out, error = process.communicate(stdin, timeout=SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, error)

    def done(self, *arguments: object, **more: str) -> str:
        """Run a command that must succeed; returns its output."""
        result = self.run(*arguments, **more)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def json(self, *arguments: object, **more: str) -> object:
        return json.loads(self.done(*arguments, "--json", **more))

    def file(self, name: str, content: bytes = b"hello") -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Press Ctrl-C; returns the exit status and what the command said."""
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=SECONDS)
    return process.returncode, error


@pytest.fixture
def home(tmp_path, port) -> Home:
    return Home(tmp_path, f"http://127.0.0.1:{port}")


@pytest.fixture
def distant(tmp_path, gate) -> Home:
    """A home whose line to the server goes through the gate."""
    return Home(tmp_path, f"http://127.0.0.1:{gate.port}")
