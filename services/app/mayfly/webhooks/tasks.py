"""The Celery task of webhooks."""

from celery import shared_task

from .deliver import deliver as deliver_due


@shared_task(name="webhooks.deliver", soft_time_limit=20, time_limit=25)
def deliver() -> str:
    """Send due events. May be repeated and run at once: each webhook is claimed, and an event has an id."""
    return f"{deliver_due()} events delivered"
