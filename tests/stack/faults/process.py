"""A process of one of the worlds: it sets Django up once, and each run forks from there.

It reads a Point as JSON from each line of standard input and answers with one line. The answer is a Result, or, if the
point has no mode, the number of steps of each kind that its operation has.
"""

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from mayfly.uploads import parts
from mayfly.uploads.models import Upload

from . import databases, observer, swaps
from .bundles import BUNDLES
from .operations import OPERATIONS as UPLOADS
from .scenes import expire
from .watch import Watch

OPERATIONS = UPLOADS | BUNDLES
# No step of a run needs as many seconds; one that hangs is ended and fails.
SECONDS = 60


def serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    # Each answer contains everything that was printed or logged since the last one.
    log = os.memfd_create("log")
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGALRM, too_long)
    default_storage._setup()
    if not settings.USE_S3:
        parts.PART_SIZE = 64  # two parts an upload; S3 wants at least 5 MiB in all but the last

    def answer(**what) -> None:
        text = os.pread(log, 100_000, 0).decode(errors="replace")
        os.ftruncate(log, 0)
        os.lseek(log, 0, os.SEEK_SET)
        print(json.dumps(what | {"log": text}), file=answers, flush=True)

    answer(**forked(create))
    # All forks share this memory, because nothing writes to it.
    gc.freeze()
    gc.disable()
    for line in sys.stdin:
        answer(**run(json.loads(line)))


def run(point: dict) -> dict:
    """Create the scene, run the operation with its fault in a fork, and judge the result.

    This process creates the scene and judges, because it survives, as the other processes of the program do.
    """
    inside = forked if OPERATIONS[point["operation"]].elsewhere else here
    result = inside(prepare, point)
    if "failed" not in result:
        result |= forked(act, point, result)
    if "failed" not in result and point["mode"]:
        result = inside(judge, point, result) | result
    return result


def too_long(*_) -> None:
    raise TimeoutError(f"not done after {SECONDS} s")


def here(work: Callable, *arguments) -> dict:
    """Run `work`; returns what it said."""
    said = {}
    signal.alarm(SECONDS)
    try:
        work(said.update, *arguments)
    except Exception:
        said["failed"] = traceback.format_exc()
    signal.alarm(0)
    return said


def forked(work: Callable, *arguments) -> dict:
    """Run `work` in a fork; returns what it said, and whether the fork was killed."""
    global inherited
    # Two processes never share a connection. SQLite forbids even an idle one in the second.
    if connection.vendor == "sqlite":
        connection.close()
    if settings.USE_S3:
        default_storage.connection.meta.client._endpoint.http_session.close()
    reads, writes = os.pipe()
    if not (pid := os.fork()):
        # Keep a reference, because the parent's connection would end with the object.
        inherited, connection.connection = connection.connection, None

        def say(**what) -> None:
            os.write(writes, json.dumps(what).encode() + b"\n")

        signal.alarm(SECONDS)
        try:
            work(say, *arguments)
        except BaseException:
            say(failed=traceback.format_exc())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as lines:
        said = {name: value for line in lines for name, value in json.loads(line).items()}
    _, status = os.waitpid(pid, 0)
    return said | {"died": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL}


def create(say: Callable) -> None:
    databases.create()
    default_storage.prepare()


def prepare(say: Callable, point: dict) -> None:
    operation = OPERATIONS[point["operation"]]
    operation.enter()
    say(facts=operation.prepare())


def act(say: Callable, point: dict, prepared: dict) -> None:
    operation, facts = OPERATIONS[point["operation"]], prepared["facts"]
    operation.enter()
    if connection.vendor == "postgresql":
        connection.settings_dict["OPTIONS"]["application_name"] = databases.ACTING
    meanwhile = operation.meanwhile(facts)
    watch = Watch(point if point["mode"] else None, struck=lambda: say(struck=True), meanwhile=meanwhile)
    storage = swaps.SWAPS[point["swap"]](default_storage) if point["swap"] else default_storage
    connection.ensure_connection()
    watch.on = True
    try:
        operation.act(facts, storage)
        answer, error = "done", ""
    except Exception as raised:
        answer, error = type(raised).__name__, traceback.format_exc()
    watch.on = False
    say(answer=answer, error=error, counts=watch.counts)


def judge(say: Callable, point: dict, acted: dict) -> None:
    """Say which promises of the product are broken by what the fault has left."""
    operation, facts, answer = OPERATIONS[point["operation"]], acted["facts"], acted.get("answer")
    operation.enter()
    databases.wait_for_the_dead()
    broken: list[str] = []

    def holds(stage: str, *checks: Callable[[], list[str] | None]) -> None:
        try:
            for check in checks:
                broken.extend(f"{stage}: {what}" for what in check() or ())
        except AssertionError as error:
            broken.append(f"{stage}: {str(error) or traceback.format_exc()}")
        except Exception:
            broken.append(f"{stage}: {traceback.format_exc()}")

    def recover() -> None:
        operation.sweep()
        operation.reconcile()

    def clear_up() -> list[str]:
        expire(Upload.objects.standing())
        operation.sweep()
        if observer.left_behind():
            operation.reconcile()
        return observer.left_behind()

    if answer == operation.done:
        holds("at the answer", lambda: operation.acknowledged(facts))
    if not operation.elsewhere:
        one_sided = {name: facts.get(name, ()) for name in ("strays", "lost")}
        holds("at the fault", lambda: observer.broken_at_any_moment(**one_sided), lambda: operation.invariant(facts))
        if not point["returns"]:
            operation.abandon(facts)
        holds("recovery", recover, observer.broken_after_recovery, lambda: operation.invariant(facts))
        holds("recovery", lambda: operation.kept(facts))
        if answer == operation.done:
            holds("recovery", lambda: operation.acknowledged(facts))
    if point["returns"]:
        holds("repeated", lambda: operation.repeat(facts), observer.broken_after_recovery)
        holds("repeated", lambda: operation.kept(facts))
    holds("at the end", observer.altered, clear_up)
    documented = operation.on_database_error if point["place"] == "commit" else operation.on_storage_error
    say(broken=broken, done=operation.done, documented=sorted(documented))
