"""The Celery tasks of uploads. Beat sends both; any number may run at once, and any message may be lost.

Each name is as in earlier versions, so that the messages in an existing queue still run.
"""

from datetime import timedelta

from celery import shared_task
from django.conf import settings

from ..storage.default import uploads_storage
from . import lifecycle
from .periodic import Heartbeat
from .reconcile import Overtaken, go_on


@shared_task(name="uploads.tasks.sweep", soft_time_limit=20, time_limit=25)  # under the 30 s from SIGTERM to SIGKILL
def sweep(*, from_beat: bool = False) -> str:
    """Remove due uploads. May run twice at once: batches are taken with SKIP LOCKED, and removal repeats safely."""
    if from_beat:
        Heartbeat.record("beat")
    swept = lifecycle.sweep(storage=uploads_storage)
    Heartbeat.record("sweep")
    return str(swept)


@shared_task(name="uploads.tasks.reconcile", soft_time_limit=20, time_limit=25)
def reconcile() -> str:
    """Compare table and storage for some seconds: go on with the round, or begin one if it is time.

    May be repeated and run twice at once: each step of a round is one conditional UPDATE. A brake is no failure of the
    task, which has done its work: the log, `/health/ready` and the answer here report it.
    """
    try:
        current = go_on(storage=uploads_storage, every=timedelta(seconds=settings.RECONCILE_SECONDS))
    except Overtaken:
        return "another process goes on with the round"
    return str(current or "no round is due")
