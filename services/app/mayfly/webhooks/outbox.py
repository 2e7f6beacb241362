"""Events go into the outbox within the transaction that makes them true, so that neither is there without the other."""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.db.models.functions import Coalesce, Now
from django.dispatch import Signal
from django.urls import reverse

from ..uploads import events
from ..uploads.models import Upload
from .limits import WAITING
from .models import Delivery, Event, Webhook

logger = logging.getLogger(__name__)

OBSERVED: dict[Event, Signal] = {
    Event.READY: events.turned_ready,
    Event.FETCHED: events.first_fetched,
    Event.GONE: events.turned_gone,
}


def connect() -> None:
    """Observe the uploads from now on."""
    for event, signal in OBSERVED.items():
        signal.connect(_observer(event), sender=Upload, weak=False, dispatch_uid=f"webhooks.{event}")


def put(event: Event, uploads: Sequence[Upload]) -> None:
    """Write a row for each webhook that wants to hear this event of one of these uploads."""
    # Locked in the order of ids, so that no two transactions wait for each other. The worker takes the lock too, so
    # that it cannot see an empty outbox here and call the webhook done.
    boxes = {upload.box for upload in uploads}
    webhooks = list(Webhook.objects.filter(box__in=boxes).select_for_update().order_by("pk"))
    if not webhooks:
        return
    waiting = _waiting(webhooks)
    rows = {row.pk: row for row in Upload.objects.filter(pk__in=[upload.pk for upload in uploads])}
    deliveries = []
    for webhook in webhooks:
        room = WAITING - waiting.get(webhook.pk, 0)
        wanted = [row for row in rows.values() if row.box == webhook.box] if event in webhook.wanted else []
        deliveries += [Delivery(webhook=webhook, body=body_of(event, row, webhook)) for row in wanted[:room]]
        if len(wanted) > room:
            logger.warning("%s: %d events are lost, because too many wait", webhook, len(wanted) - room)
    Delivery.objects.bulk_create(deliveries)
    told = Webhook.objects.filter(pk__in={delivery.webhook_id for delivery in deliveries})
    told.update(due_at=Coalesce("due_at", Now()), used_at=Now())


def body_of(event: Event, upload: Upload, webhook: Webhook) -> str:
    """The body of the request: JSON, in ASCII. An upload that is gone has no name in it, as its receipt has none."""
    shown: dict[str, Any] = {
        "id": upload.pk,
        "kind": upload.kind,
        "size": upload.size,
        "created_at": upload.created_at.isoformat(),
        "completed_at": upload.completed_at and upload.completed_at.isoformat(),
        "expires_at": upload.expires_at.isoformat(),
        "link": webhook.site + reverse("share", args=[upload.pk]),
    }
    if event == Event.GONE:
        shown |= {"ended": upload.ended, "removed_at": upload.removed_at and upload.removed_at.isoformat()}
    else:
        shown |= {"name": upload.name, "title": upload.title, "type": upload.content_type}
    return json.dumps({"event": event.value, "upload": shown}, separators=(",", ":"))


def _observer(event: Event) -> Callable[..., None]:
    def observe(uploads: Sequence[Upload], **_: object) -> None:
        # An outbox that fails must not take the change with it. `send_robust` logs the error.
        with transaction.atomic():
            put(event, uploads)

    return observe


def _waiting(webhooks: Sequence[Webhook]) -> dict[str, int]:
    """How many rows of each of these webhooks wait; at most WAITING each are there to be counted."""
    of_these: QuerySet[Delivery] = Delivery.objects.filter(webhook__in=webhooks)
    return dict(of_these.values_list("webhook").annotate(count=Count(F("pk"))))
