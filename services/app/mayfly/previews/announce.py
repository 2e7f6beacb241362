"""Send a worker one message when an upload with a preview turns ready. A poll finds those whose message is lost."""

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings
from kombu import Connection, Producer

from ..uploads.choices import Kind
from ..uploads.models import Upload
from .tasks import preview

logger = logging.getLogger(__name__)

# A visitor's request waits for this many seconds at most.
MOST_SECONDS = 0.5
# Redis gives out the lowest number first. However many files wait for their previews, an image waits for images alone.
IMAGES_FIRST = {Kind.IMAGE: 0, Kind.FILE: 9}


def announce(upload: Upload, **_: object) -> None:
    """Send one message for an upload that wants its preview; none without Redis. A failure is logged, never raised."""
    if not upload.wants_preview or not settings.REDIS_URL:
        return
    if settings.CELERY_TASK_ALWAYS_EAGER:
        preview.delay(upload.pk)  # makes the preview here and now
        return
    message = _sender().submit(_send, upload.pk, IMAGES_FIRST[Kind(upload.kind)])
    try:
        message.result(timeout=MOST_SECONDS)
    except Exception as error:  # whatever the error is, the visitor's upload is ready
        message.cancel()
        logger.warning("%s: not announced, its preview comes with the next poll: %r", upload, error)


@cache
def _sender() -> ThreadPoolExecutor:
    # One thread a process. It exists because no socket option limits the time that the lookup of a host name takes.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="announce")


def _send(upload_id: str, priority: int) -> None:
    options = {
        "socket_connect_timeout": MOST_SECONDS / 2,
        "socket_timeout": MOST_SECONDS / 2,
        "retry_on_timeout": False,
        "max_retries": 0,
    }
    # Kombu takes two connections to Redis. They are closed after each message, because a small plan has 20 in all.
    with Connection(
        settings.CELERY_BROKER_URL, transport_options=options, ssl=settings.REDIS_TLS or False
    ) as connection:
        producer = Producer(connection, auto_declare=False)
        preview.apply_async((upload_id,), producer=producer, priority=priority, retry=False)
