"""`manage.py periodic`: the tasks of beat's schedule in one process, for a machine without a broker."""

import logging
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connections

from mayfly.celery import app, sign_of_life

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One line of the schedule: `task` is called with `kwargs` every `seconds`."""

    name: str
    task: Callable[..., object]
    seconds: float
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def repeat(self, stop: Event) -> None:
        """Call the task until `stop`, each time when its seconds have passed since it last began."""
        while not stop.is_set():
            began = time.monotonic()
            self.call()
            stop.wait(max(0.0, began + self.seconds - time.monotonic()))
        connections.close_all()

    def call(self) -> None:
        """Call the task once. Its failure is logged, because the next call may succeed."""
        try:
            sign_of_life("periodic").touch()
            self.task(**self.kwargs)
        except Exception:
            logger.exception("%s failed", self.name)
        finally:
            close_old_connections()


class Command(BaseCommand):
    """Each entry has a thread of its own, so that a slow preview never delays a sweep. Each calls one task at a time.

    Celery's time limits do not apply here; the tasks have bounds of their own. The sweep begins no share after 10 s. A
    call of the preview task begins images for 4 s, and each decoder is killed after 12 s. A slice of reconcile begins
    no batch after 10 s. A wait for SQLite's lock ends after 20 s. SIGTERM and SIGINT let running tasks finish; a task
    that is killed repeats without harm.
    """

    help = "Run the periodic tasks in this process, on the schedule that Celery's beat reads. Needs no Redis."
    requires_system_checks = []  # they load every page and the API, which no task needs

    def handle(self, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        threads = [Thread(target=entry.repeat, args=(stop,), name=entry.name) for entry in schedule()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def schedule() -> list[Entry]:
    """The entries of CELERY_BEAT_SCHEDULE with their tasks. Raises NotRegistered if Celery knows no such task."""
    app.loader.import_default_modules()
    return [
        Entry(name, app.tasks[entry["task"]], entry["schedule"], entry.get("kwargs", {}))
        for name, entry in settings.CELERY_BEAT_SCHEDULE.items()
    ]
