"""A task that takes its time, loaded into the stack's worker by the tests alone."""

import time

from celery import shared_task


@shared_task
def hold(*, seconds: float) -> None:
    """Hold one process of the queue that it is sent to."""
    time.sleep(seconds)
