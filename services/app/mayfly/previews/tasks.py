"""The Celery tasks of images: each is cleaned first and drawn then.

Any number may run at once, since each image is claimed; any message may be lost.
"""

import time

from celery import shared_task

from ..storage.default import uploads_storage
from . import queue
from .clean import clean_due, clean_one
from .make import BEGIN_SECONDS, make, make_due


@shared_task(name="previews.preview", soft_time_limit=20, time_limit=25)
def preview(upload_id: str) -> str:
    """Clean this upload and make its preview, unless another process has claimed it. May be repeated."""
    began = time.monotonic()
    is_cleaned = clean_one(upload_id, storage=uploads_storage)
    if is_cleaned and time.monotonic() - began > BEGIN_SECONDS:
        return f"cleaned {upload_id[:8]}, its preview comes with the next poll"
    upload = queue.claim(upload_id)
    if upload is None:
        return f"{upload_id[:8]} does not wait for a preview"
    drawn = make(upload, storage=uploads_storage)
    seconds = time.monotonic() - began
    if drawn is None:
        return f"no preview of {upload_id[:8]}, {seconds:.1f} s"
    size = f"{drawn.pixels / 1_000_000:.3g} MP" if drawn.pixels else "a text"
    return f"preview of {upload_id[:8]}, {size}, {seconds:.1f} s"


# The name is as in earlier versions, so that the messages in an existing queue still run.
@shared_task(name="uploads.tasks.preview", soft_time_limit=20, time_limit=25)
def waiting_previews() -> str:
    """Clean and draw what is due, whose messages were lost or never sent. May be repeated and run at once."""
    until = time.monotonic() + BEGIN_SECONDS
    cleaned = clean_due(storage=uploads_storage, until=until)
    made = f"{make_due(storage=uploads_storage, until=until)} previews made"
    return f"{made}, {cleaned} images cleaned" if cleaned else made
