"""A preview that takes its time, loaded into the stack's worker by the tests alone."""

import time

from celery import shared_task


@shared_task(name="uploads.tasks.preview")
def preview(*, seconds: float) -> None:
    """Hold one process of the previews queue."""
    time.sleep(seconds)
