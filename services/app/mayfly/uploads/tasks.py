"""The Celery tasks of uploads. Beat sends both; any number may run at once, and any message may be lost.

Each name is as in earlier versions, so that the messages in an existing queue still run.
"""

from math import inf

from celery import shared_task
from django.conf import settings

from ..storage.default import uploads_storage
from . import lifecycle
from .models import Heartbeat
from .reconcile import reconcile as compare


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
    """Compare table and storage, unless that was done less than RECONCILE_SECONDS ago.

    May be repeated and run twice at once: removing a finding twice does no harm.
    """
    age = Heartbeat.ages().get("reconcile", inf)
    if age < settings.RECONCILE_SECONDS:
        return f"not due, last run {age:.0f} s ago"
    return str(compare(storage=uploads_storage))
