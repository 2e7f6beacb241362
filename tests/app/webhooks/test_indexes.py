"""Every query on webhooks has its index."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from mayfly.webhooks.models import Delivery, Webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def many_rows() -> None:
    now = timezone.now()
    webhooks = Webhook.objects.bulk_create(
        Webhook(
            box=f"box{number}",
            address=f"here{number % 500}",
            url="https://hooks.example.org/",
            events="ready",
            due_at=None if number % 100 else now - timedelta(seconds=number),
            used_at=now + timedelta(seconds=number),
        )
        for number in range(3000)
    )
    Delivery.objects.bulk_create(
        Delivery(webhook=webhook, body="{}", created_at=now + timedelta(seconds=number))
        for number, webhook in enumerate(webhooks)
    )
    if connection.vendor == "postgresql":  # SQLite would keep these statistics for the other tests
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def test_every_query_on_webhooks_uses_its_index(many_rows):
    """Case 56: those of a box, those that are due, what waits for one, and what is too old."""
    now, webhook = timezone.now(), Webhook.objects.first()
    asked = {
        Webhook.objects.filter(box__in=["box7"]): "webhooks_of_box",
        Webhook.objects.filter(address="here7")[:5]: "webhooks_from_address",
        Webhook.objects.filter(due_at__lte=now).order_by("due_at")[:5]: "webhooks_due",
        Webhook.objects.filter(used_at__lt=now)[:100]: "webhooks_used",
        webhook.deliveries.order_by("attempts", "created_at", "pk")[:5]: "deliveries_in_order",
        Delivery.objects.filter(created_at__lt=now)[:100]: "deliveries_by_age",
    }
    assert {index: index in query.explain() for query, index in asked.items()} == dict.fromkeys(asked.values(), True)
