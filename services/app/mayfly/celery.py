"""The Celery application, and the signs of life that its processes leave for the health probe."""

import gc
import signal
import tempfile
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps
from celery.apps.worker import Worker
from celery.signals import beat_embedded_init, beat_init, before_task_publish, worker_init
from django.core.files.storage import default_storage

from mayfly import settings

settings.choose()

app = Celery("mayfly")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


class PatientWorker(Worker):
    """Lets one SIGTERM count: Heroku may send several, and Celery cuts running tasks off at the second.

    `on_cold_shutdown` in celery/apps/worker.py first lets a second signal end the tasks at once, and then calls
    `worker.wait_for_soft_shutdown()`. The method below takes SIGTERM out of that again.
    """

    def wait_for_soft_shutdown(self) -> bool:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return super().wait_for_soft_shutdown()


# celery/bin/worker.py makes its worker by `app.Worker(...)`.
app.Worker = app.subclass_with_self(PatientWorker)  # type: ignore[misc]  # a cached_property, so it may be replaced


def sign_of_life(name: str) -> Path:
    """The file that the process `name` touches from its loop, so that its age shows whether the process still runs.

    Asking a worker by `celery inspect ping` would start a whole Python, at 0.7 s of processor time.
    """
    return Path(tempfile.gettempdir()) / f"{name}.alive"


class SignOfLife(bootsteps.StartStopStep):
    """Touches the worker's file every 10 s from the loop that also reads the queue."""

    requires = ("celery.worker.components:Timer",)

    def start(self, parent: Any) -> None:
        file = sign_of_life(parent.hostname.partition("@")[0])
        file.touch()
        parent.timer.call_repeatedly(10, file.touch)


app.steps["worker"].add(SignOfLife)


@worker_init.connect
def load_once(**_: object) -> None:
    """Load what the pool's processes share before they fork, above all S3's client, which takes 25 MB.

    Making the client opens no connection. The objects are frozen, because the garbage collector would write to each,
    and every process would then have a copy of its own.
    """
    getattr(default_storage, "client", None)
    gc.collect()
    gc.freeze()


@beat_init.connect
@beat_embedded_init.connect
def beat_shows_life(**_: object) -> None:
    """Let beat touch its file whenever it is about to send a task."""
    before_task_publish.connect(lambda **_: sign_of_life("beat").touch(), weak=False)
