"""A slow task, which only the tests load into the stack's worker."""

import time

from celery import shared_task


@shared_task
def hold(*, seconds: float) -> None:
    """Keep one process of its queue busy."""
    time.sleep(seconds)
