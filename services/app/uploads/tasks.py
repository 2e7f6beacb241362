"""What Celery runs. Beat sends all of it; any number may run at once, and any may be lost."""

from math import inf

from celery import shared_task
from django.conf import settings
from django.core.files.storage import default_storage

from . import comparison, lifecycle, previews
from .models import Heartbeat


@shared_task(soft_time_limit=20, time_limit=25)  # under the 30 s between SIGTERM and SIGKILL
def sweep(*, from_beat: bool = False) -> None:
    """Remove what is due. May run twice at once, batches being taken with SKIP LOCKED; removal repeats without harm."""
    if from_beat:
        Heartbeat.record("beat")
    lifecycle.sweep(storage=default_storage)
    Heartbeat.record("sweep")


@shared_task(soft_time_limit=20, time_limit=25)
def preview() -> None:
    """Make the previews that are due. May be repeated and run many times at once: each image is claimed by one."""
    previews.make_due(storage=default_storage)


@shared_task(soft_time_limit=20, time_limit=25)
def reconcile() -> None:
    """Compare table and storage, unless that was done less than RECONCILE_SECONDS ago.

    May be repeated and run twice at once: what is amiss is removed without harm twice.
    """
    if Heartbeat.ages().get("reconcile", inf) >= settings.RECONCILE_SECONDS:
        comparison.reconcile(storage=default_storage)
