"""The two worlds and their processes: a folder with SQLite, and the stack's LocalStack with its Postgres."""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue

from .points import OPERATIONS, PLACES, WORLDS, Point

# With one home a world, a processor would be idle while LocalStack or a disk works.
HOMES = 2
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a fault: the operation's answer, if it survived to give one, and the broken promises."""

    struck: bool = False
    died: bool = False
    answer: str | None = None
    error: str = ""
    broken: tuple[str, ...] = ()
    documented: tuple[str, ...] = ()
    done: str = ""
    log: str = ""


class Home:
    """One process of a world, with its own database and storage. It runs one point after another."""

    def __init__(self, world: str, number: int):
        self._folder = tempfile.TemporaryDirectory(prefix="mayfly-faults-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stack.faults"],
            cwd=ROOT,
            env=_environment(world, f"faults{number}", self._folder.name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ready = False

    def ask(self, point: Point) -> dict:
        if not self._ready:
            self._answer()
            self._ready = True
        self._process.stdin.write(json.dumps(asdict(point)) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait(60)
        self._folder.cleanup()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        assert line, "the process has ended"
        answer = json.loads(line)
        assert "failed" not in answer, f"{answer['failed']}\n{answer['log']}"
        return answer


class World:
    """Runs points, as many at once as it has homes."""

    def __init__(self, name: str):
        self.name, self.tried = name, {}
        self._homes = [Home(name, number) for number in range(HOMES)]
        self._free = SimpleQueue()
        for home in self._homes:
            self._free.put(home)
        self._pool = ThreadPoolExecutor(HOMES)

    def steps(self, operation: str, *, swap: str = "") -> dict[str, int]:
        """The number of steps of each kind that the operation has without a fault."""
        answer = self._pool.submit(self._ask, Point(operation, self.name, "", "", "", 0, swap=swap)).result()
        return answer["counts"]

    def submit(self, point: Point) -> "Future[Result]":
        """Run this point once, after the points that were submitted before."""
        if point not in self.tried:
            self.tried[point] = self._pool.submit(self._result, point)
        return self.tried[point]

    def end(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        for home in self._homes:
            home.end()

    def _result(self, point: Point) -> Result:
        answer = self._ask(point)
        known = {name: answer[name] for name in Result.__slots__ if name in answer}
        return Result(**known | {name: tuple(known[name]) for name in ("broken", "documented") if name in known})

    def _ask(self, point: Point) -> dict:
        home = self._free.get()
        try:
            return home.ask(point)
        finally:
            self._free.put(home)


def _environment(world: str, name: str, folder: str) -> dict[str, str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "PYTHONPATH": f"{ROOT}/services/app:{ROOT}",
        "SETTINGS_MODULE_PATH": "mayfly.settings.development",
        "SECRET_KEY": "only-for-tests-" + "x" * 40,
        "DATA_DIR": folder,
        "IMAGES_KEPT": "1",
    }
    if world == "local":
        return environment
    server, _, _ = os.environ["STACK_DATABASE_URL"].rpartition("/")
    return environment | {
        "ADMIN_DATABASE_URL": os.environ["STACK_DATABASE_URL"],
        "DATABASE_URL": f"{server}/{name}",
        "USE_S3": "True",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_STORAGE_BUCKET_NAME": name,
        "AWS_S3_ENDPOINT_URL": os.environ["S3_URL"],
    }


@cache
def worlds() -> dict[str, World]:
    """Both worlds, by name; they start at the same time."""
    return {name: World(name) for name in WORLDS}


@cache
def _steps() -> dict[tuple[str, str], dict[str, int]]:
    keys = [(world, operation) for operation in OPERATIONS for world in worlds()]
    with ThreadPoolExecutor() as pool:
        return dict(zip(keys, pool.map(lambda key: worlds()[key[0]].steps(key[1]), keys), strict=True))


def points(mode: str, *, operations=OPERATIONS, worlds=WORLDS, places=PLACES, whens=("before", "after"), **more):
    """A point for every step of these operations, each with this fault.

    The steps are counted without a fault, so an operation never has further ones.
    """
    return [
        Point(operation, world, mode, when, place, number, **more)
        for operation in operations
        for world in worlds
        for place in places
        for number in range(1, _steps()[world, operation].get(place, 0) + 1)
        for when in whens
    ]
