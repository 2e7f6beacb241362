"""Dynos: containers that run an image as Heroku does, and have no more than Heroku gives."""

import json
import os
import random
import shlex
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from .router import Address

ROOT = Path(__file__).resolve().parents[3]
DYNOS = os.environ["DYNOS"]
BOOT = 60  # seconds within which web has to listen
GRACE = 30  # seconds between SIGTERM and SIGKILL
MEMORY = "512m"
ADDONS = {
    "DATABASE_URL": "postgres://mayfly:secret@postgres:5432/mayfly",
    "REDIS_URL": "rediss://:secret@redis:6379",
}


def docker(*arguments: str | Path, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.strip()


def config(**filled_in: str) -> dict[str, str]:
    """The config vars of an app made from app.json: its values, a secret, `filled_in`, and those of the add-ons."""
    asked = json.loads((ROOT / "app.json").read_text())["env"]
    assert set(filled_in) <= set(asked), "app.json does not have this variable"
    made = {
        name: "".join(random.choices("0123456789abcdef", k=64)) if "generator" in entry else entry.get("value", "")
        for name, entry in asked.items()
    }
    return {name: value for name, value in (made | filled_in).items() if value} | ADDONS


@dataclass
class Dyno:
    """One container of process type `kind` with this number. `command` replaces the command of the image."""

    kind: str
    config: dict[str, str]
    number: int = 1
    image: str = ""
    command: str = ""
    port: int = field(default_factory=lambda: random.randint(3000, 60000))

    def __post_init__(self):
        self.image = self.image or f"{DYNOS}-{self.kind}"
        own = json.loads(docker("image", "inspect", "--format", "{{json .Config.Cmd}}", self.image))
        variables = self.config | {"DYNO": f"{self.kind}.{self.number}"}
        if self.kind == "web":
            variables["PORT"] = str(self.port)
        self.started = time.monotonic()
        self.id = docker(
            *("run", "--detach", "--init", "--label", f"dynos={DYNOS}", "--network", f"{DYNOS}_default"),
            *("--user", f"{random.randint(20000, 60000)}:{random.randint(20000, 60000)}"),
            *("--memory", MEMORY, "--memory-swap", MEMORY, "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--pids-limit", "256"),
            *(part for name, value in variables.items() for part in ("--env", f"{name}={value}")),
            *("--entrypoint", "/bin/sh", self.image, "-c", self.command or shlex.join(own)),
        )
        self.name = f"{self.kind}.{self.number}"

    @property
    def address(self) -> Address:
        networks = self.inspect()["NetworkSettings"]["Networks"]
        return networks[f"{DYNOS}_default"]["IPAddress"], self.port

    def inspect(self) -> dict:
        return json.loads(docker("inspect", self.id))[0]

    def logs(self) -> str:
        return subprocess.run(
            ["docker", "logs", self.id], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ).stdout

    def bound(self) -> float:
        """Wait until it listens; returns the seconds since its start. Fails with R10, as Heroku does."""
        address = self.address
        while time.monotonic() - self.started < BOOT:
            try:
                httpx.get(f"http://{address[0]}:{address[1]}/health/live", timeout=5)
                return time.monotonic() - self.started
            except httpx.HTTPError:
                assert self.inspect()["State"]["Running"], self.logs()
                time.sleep(0.1)
        raise AssertionError(f"R10: {self.name} did not bind within {BOOT} s\n{self.logs()}")

    def ended(self, *, seconds: float) -> int:
        """Wait until it ends; returns its exit status."""
        status = subprocess.run(["docker", "wait", self.id], timeout=seconds, capture_output=True, text=True)
        return int(status.stdout)

    def sigterm(self) -> None:
        """Send SIGTERM to every process, and more often to the first one, because Heroku may send several."""
        for _ in range(2):
            docker("exec", self.id, "sh", "-c", "kill -TERM -1", check=False)
        docker("kill", "--signal", "TERM", self.id, check=False)

    def stop(self) -> float:
        """End it as Heroku does; returns the seconds that it took. Fails with R12 after 30 s, and kills it."""
        began = time.monotonic()
        self.sigterm()
        try:
            self.ended(seconds=GRACE - (time.monotonic() - began))
        except subprocess.TimeoutExpired:
            docker("kill", self.id)
            raise AssertionError(f"R12: {self.name} was still there after {GRACE} s\n{self.logs()[-3000:]}") from None
        return time.monotonic() - began

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.id)
