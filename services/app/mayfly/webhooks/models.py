"""The tables of webhooks: the endpoints of boxes, and the outbox of what they have not heard yet."""

from django.db import models
from django.db.models.functions import Now

from ..uploads.ids import ID_LENGTH, new_id
from .limits import URL_LENGTH


class Event(models.TextChoices):
    """The events in the life of an upload. Each comes once."""

    READY = "ready"
    FETCHED = "fetched"  # by a person other than its owner, for the first time
    GONE = "gone"  # storage has nothing of it any more


class Webhook(models.Model):
    """An endpoint that hears of a box's uploads."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id, editable=False)
    box = models.CharField(max_length=ID_LENGTH)
    # The client that registered it, for the limit: a keyed hash, as that of an upload.
    address = models.CharField(max_length=ID_LENGTH)
    url = models.CharField(max_length=URL_LENGTH)
    events = models.CharField(max_length=30)  # with commas between them
    # In plain text, because the worker has no key of its own to derive it from.
    secret = models.CharField(max_length=60)
    # The address of this site, as the owner called it: the worker, who writes links, hears no request.
    site = models.CharField(max_length=270)
    created_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(db_default=Now())
    # When the worker next sends something to it; null while nothing waits.
    due_at = models.DateTimeField(null=True)
    # Failed attempts since the last success, and the status of the last answer; null if there was none.
    failures = models.PositiveIntegerField(db_default=0)
    last_status = models.PositiveSmallIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(name="webhooks_of_box", fields=["box"]),
            models.Index(name="webhooks_from_address", fields=["address"]),
            models.Index(name="webhooks_due", fields=["due_at"], condition=models.Q(due_at__isnull=False)),
            models.Index(name="webhooks_used", fields=["used_at"]),
        ]

    def __str__(self) -> str:
        return f"webhook {self.id}"

    @property
    def wanted(self) -> list[str]:
        """The events that it hears of."""
        return self.events.split(",")


class Delivery(models.Model):
    """One event for one webhook, which the endpoint has not confirmed yet."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(db_default=0)

    class Meta:
        indexes = [
            models.Index(name="deliveries_in_order", fields=["webhook", "attempts", "created_at", "id"]),
            models.Index(name="deliveries_by_age", fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"delivery {self.id}"
