"""Tell a worker at once that an image is ready. Best effort: the table is read again all the time."""

import logging
from functools import cache
from typing import Any

from django.conf import settings
from kombu import Connection
from kombu.connection import ConnectionPool

from ..uploads.choices import Kind
from ..uploads.models import Upload
from .tasks import preview

logger = logging.getLogger(__name__)

# A visitor waits for no more than this, in seconds: half for a free connection, half for Redis to answer.
MOST_SECONDS = 0.5


def announce(upload: Upload, **_: Any) -> None:
    """Send one message for an image that is ready; nothing without Redis. A failure is logged, and never raised."""
    if upload.kind != Kind.IMAGE or not settings.REDIS_URL:
        return
    try:
        with _connections().acquire(block=True, timeout=MOST_SECONDS / 2) as connection:
            try:
                preview.apply_async((upload.pk,), connection=connection, retry=False)
            except Exception:
                connection.collapse()  # the next message begins with a new connection
                raise
    except Exception as error:  # whatever it is, the visitor's upload is ready
        logger.warning("%s: no message sent, its preview comes with the next poll: %r", upload, error)


@cache
def _connections() -> ConnectionPool:
    # One connection a process, for which threads wait: a small Redis plan has 20 in all.
    options = {
        "socket_connect_timeout": MOST_SECONDS / 4,
        "socket_timeout": MOST_SECONDS / 4,
        "retry_on_timeout": False,
        "max_retries": 0,
    }
    connection = Connection(
        settings.CELERY_BROKER_URL, transport_options=options, ssl=settings.REDIS_TLS or False, connect_timeout=1
    )
    return connection.Pool(limit=1)
