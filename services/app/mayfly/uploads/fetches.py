"""How often the bytes of an upload were fetched, for its sender: a count and a time, and nothing about who came."""

import logging

from django.db import Error, transaction
from django.db.models import F
from django.db.models.functions import Now

from . import events
from .models import Upload

logger = logging.getLogger(__name__)


def record(upload_id: str, *, box: str | None) -> None:
    """Count one fetch of a live upload, unless `box` is its own. Waits for no other fetch, and never raises.

    A row that another transaction has locked, perhaps for another fetch at the same moment, stays as it is. The sender
    wants to know that the upload has arrived, and a download must not wait for that.
    """
    try:
        with transaction.atomic():
            free = Upload.objects.live().filter(pk=upload_id).exclude(box=box or "").order_by()
            free = free.select_for_update(skip_locked=True)
            counted = Upload.objects.filter(pk__in=free.values("pk")).update(
                fetched_count=F("fetched_count") + 1, fetched_at=Now()
            )
            if counted and events.first_fetched.has_listeners(Upload):
                first = Upload.objects.filter(pk=upload_id, fetched_count=1)
                events.first_fetched.send_robust(sender=Upload, uploads=list(first))
    except Error as error:
        logger.warning("a fetch of %s is not counted: %s", upload_id, error)
