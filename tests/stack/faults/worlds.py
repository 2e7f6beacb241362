"""The two worlds: a folder with SQLite, and the stack's LocalStack with its Postgres, each with a process in it."""

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

# One home of each world leaves a processor idle while LocalStack or a disk is at work.
HOMES = 2
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Result:
    """What a fault led to: the operation's answer, if it lived to give one, and the promises that do not hold."""

    struck: bool = False
    died: bool = False
    answer: str | None = None
    error: str = ""
    broken: tuple[str, ...] = ()
    documented: tuple[str, ...] = ()
    done: str = ""
    log: str = ""


class Home:
    """One process of a world, with a database and a storage of its own; it is asked for one thing after another."""

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
    """Where points are tried, as many at once as there are homes."""

    def __init__(self, name: str):
        self.name, self.tried = name, {}
        self._homes = [Home(name, number) for number in range(HOMES)]
        self._free = SimpleQueue()
        for home in self._homes:
            self._free.put(home)
        self._pool = ThreadPoolExecutor(HOMES)

    def steps(self, operation: str, *, swap: str = "") -> dict[str, int]:
        """How many steps of each kind the operation has when nothing disturbs it."""
        answer = self._pool.submit(self._ask, Point(operation, self.name, "", "", "", 0, swap=swap)).result()
        return answer["counts"]

    def submit(self, point: Point) -> "Future[Result]":
        """Try this point, once, after those that were asked for before."""
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
    """Both, begun at once."""
    return {name: World(name) for name in WORLDS}


@cache
def _steps() -> dict[tuple[str, str], dict[str, int]]:
    keys = [(world, operation) for operation in OPERATIONS for world in worlds()]
    with ThreadPoolExecutor() as pool:
        return dict(zip(keys, pool.map(lambda key: worlds()[key[0]].steps(key[1]), keys), strict=True))


def points(mode: str, *, operations=OPERATIONS, worlds=WORLDS, places=PLACES, whens=("before", "after"), **more):
    """Every step of these operations, each with this fault.

    The steps are counted while nothing disturbs the operation, so there is none that it reaches after the last one.
    """
    return [
        Point(operation, world, mode, when, place, number, **more)
        for operation in operations
        for world in worlds
        for place in places
        for number in range(1, _steps()[world, operation].get(place, 0) + 1)
        for when in whens
    ]
