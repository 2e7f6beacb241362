"""Run the worker of removal and that of previews side by side, so that a backlog of one never delays the other.

    python -m mayfly.workers [--beat] [ARGUMENTS...]    the arguments go to both; --beat to that of removal

Both are forked from this process once it has loaded what they share, which takes 90 MB: a small dyno has 512 MB for
them and a large image. If one ends, the other is ended and this process fails, so that the platform restarts it.
"""

import os
import signal
import sys
from typing import NoReturn

import celery.concurrency.prefork  # noqa: F401  otherwise each loads this and the next after its fork
import kombu.transport.redis  # noqa: F401
from celery.bin.celery import celery as command

from .celery import app, load_once

ENDINGS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
# Blocked, and taken by sigwait(): a handler could run just before the wait for a child, which then lasted for ever.
SIGNALS = ENDINGS | {signal.SIGCHLD}


def run(queue: str, arguments: list[str]) -> NoReturn:
    """Run one Celery worker for one queue, named after the queue.

    Workers need not know of each other, and gossip takes connections, of which a Redis plan has few.
    """
    named = ["--queues", queue, "--hostname", f"{queue}@%h", "--task-events", "--without-gossip", "--without-mingle"]
    sys.exit(command(["--app", "mayfly", "--quiet", "worker", *named, *arguments], auto_envvar_prefix="CELERY"))


def start(queue: str, arguments: list[str]) -> int:
    """The process id of a new worker."""
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        run(queue, arguments)
    return pid


def attend(running: set[int]) -> bool:
    """Wait for the end of all. True if they were told to end, and did so without an error."""
    stopping, well = False, True
    while running:
        told = signal.sigwait(SIGNALS) in ENDINGS
        ended = {pid: status for pid in running for done, status in [os.waitpid(pid, os.WNOHANG)] if done}
        running -= set(ended)
        well = well and (stopping or told or not ended) and not any(ended.values())
        if told or (ended and not stopping):
            stopping = True
            for pid in running:  # each finishes what it does, for CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT at most
                os.kill(pid, signal.SIGTERM)
    return well


def main(arguments: list[str]) -> None:
    beat = arguments[:1] == ["--beat"]
    print(f"starting the workers of removal and previews{', with beat' if beat else ''}", flush=True)
    app.loader.import_default_modules()
    load_once()
    signal.signal(signal.SIGCHLD, lambda *_: None)  # some systems forget a signal that nobody handles
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    # One process removes, because it mostly waits for storage. A second container shares its backlog.
    removal = start("removal", ["--concurrency", "1", *arguments])
    previews = start("previews", arguments[1:] if beat else arguments)
    sys.exit(not attend({removal, previews}))


if __name__ == "__main__":
    main(sys.argv[1:])
