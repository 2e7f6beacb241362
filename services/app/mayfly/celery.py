"""The Celery application, and the signs of life that its processes leave for the health probe."""

import gc
import signal
import tempfile
from pathlib import Path

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
    """Lets one SIGTERM count: Heroku may send several, and Celery cuts running tasks off at the second."""

    def wait_for_soft_shutdown(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        super().wait_for_soft_shutdown()


app.Worker = app.subclass_with_self(PatientWorker)


def sign_of_life(name: str) -> Path:
    """The file whose age tells how long ago the process `name` last turned its loop.

    A file, since asking a worker by `celery inspect ping` starts a whole Python and costs 0.7 s of a processor.
    """
    return Path(tempfile.gettempdir()) / f"{name}.alive"


class SignOfLife(bootsteps.StartStopStep):
    """Touches the worker's file every 10 s from the loop that also reads the queue."""

    requires = {"celery.worker.components:Timer"}

    def start(self, parent) -> None:
        file = sign_of_life(parent.hostname.partition("@")[0])
        file.touch()
        parent.timer.call_repeatedly(10, file.touch)


app.steps["worker"].add(SignOfLife)


@worker_init.connect
def load_once(**_) -> None:
    """Make S3's client, which opens no connection, before the pool's processes fork, so that they share its 25 MB.

    The garbage collector would write to all that is there already, and each process would have its own copy of it.
    """
    getattr(default_storage, "client", None)
    gc.collect()
    gc.freeze()


@beat_init.connect
@beat_embedded_init.connect
def beat_shows_life(**_) -> None:
    """Let beat touch its file whenever it is about to send a task."""
    before_task_publish.connect(lambda **_: sign_of_life("beat").touch(), weak=False)
