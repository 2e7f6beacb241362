"""Which webhook is served next. The table is the queue of webhooks, not of events: one that fails rests as a whole.

An endpoint that is away is thus asked as seldom whatever waits for it, and holds up no other.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from .limits import AGE, ATTEMPTS, IDLE, pause
from .models import Delivery, Webhook

# A claim older than this belongs to a dead process: it is above Celery's hard limit of 25 s.
CLAIM = timedelta(seconds=30)
PURGED = 1000  # rows at a time


@dataclass(slots=True)
class Outcome:
    """The end of a turn: the deliveries that the endpoint confirmed, and the one that failed, if one did.

    `status` is that of the last answer. `left`: the endpoint wants to hear nothing more.
    """

    delivered: list[str] = field(default_factory=list)
    failed: str | None = None
    status: int | None = None
    left: bool = False


def claim(most: int) -> list[Webhook]:
    """Claim up to `most` webhooks that are due, the longest waiting first. The claim ends by itself after CLAIM."""
    with transaction.atomic(durable=True):
        due = Webhook.objects.filter(due_at__lte=Now()).order_by("due_at").select_for_update(skip_locked=True)
        webhooks = list(due[:most])
        Webhook.objects.filter(pk__in=[webhook.pk for webhook in webhooks]).update(due_at=Now() + CLAIM)
    return webhooks


def waiting(webhook: Webhook, most: int) -> list[Delivery]:
    """Its deliveries, the least tried first, so that one that is always refused holds up no other; then the oldest."""
    return list(webhook.deliveries.order_by("attempts", "created_at", "pk")[:most])


def finish(webhook: Webhook, outcome: Outcome) -> None:
    """Note the outcome of a turn. May be repeated: what two turns have delivered, the endpoint knows by its id."""
    with transaction.atomic(durable=True):
        # Locked against `outbox.put`, whose row may be on its way.
        row = Webhook.objects.select_for_update().filter(pk=webhook.pk).first()
        if row is None:
            return
        if outcome.left:
            row.delete()
            return
        row.deliveries.filter(pk__in=outcome.delivered).delete()
        if outcome.failed:
            row.deliveries.filter(pk=outcome.failed).update(attempts=F("attempts") + 1)
            row.deliveries.filter(pk=outcome.failed, attempts__gte=ATTEMPTS).delete()
        failures = (0 if outcome.delivered else row.failures) + (1 if outcome.failed else 0)
        # SQLite compares times as texts, and one with a sum in it would seem later than itself.
        due_at = Now() + pause(failures) if failures else Now()
        Webhook.objects.filter(pk=row.pk).update(
            failures=failures,
            last_status=outcome.status if outcome.delivered or outcome.failed else row.last_status,
            due_at=due_at if row.deliveries.exists() else None,
        )


def purge() -> None:
    """Delete what is too old to be sent, and webhooks of boxes that were not used for long."""
    for old in (
        Delivery.objects.filter(created_at__lt=Now() - AGE),
        Webhook.objects.filter(used_at__lt=Now() - IDLE),
    ):
        ids = list(old.values_list("pk", flat=True)[:PURGED])
        if ids:
            old.model._default_manager.filter(pk__in=ids).delete()
