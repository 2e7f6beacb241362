"""Webhooks in the JSON API: the endpoints that hear of a box's uploads."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja import Router, Status

from ..links import site
from ..problems import Unanswerable
from ..visitors.addresses import address_of
from ..visitors.rates import Rate, take
from ..webhooks import registering
from ..webhooks.models import Webhook
from .auth import box_of
from .schemas import PROBLEMS, RegisteredOut, WebhookIn, WebhooksOut

router = Router(tags=["Webhooks"])


@router.post("", response={201: RegisteredOut} | PROBLEMS, summary="Register a webhook")
def register(request: HttpRequest, data: WebhookIn) -> Status[dict[str, Any]]:
    """Let a URL hear of the box's uploads from now on. `secret` signs what it hears, and is shown here only."""
    box = _box(request)
    address = address_of(request)
    take(Rate.CHANGES, address=address)
    webhook = registering.register(box=box, address=address, url=data.url, events=data.events, site=site(request))
    return Status(201, _shown(webhook) | {"secret": webhook.secret})


@router.get("", response={200: WebhooksOut} | PROBLEMS, summary="List the box's webhooks")
def list_webhooks(request: HttpRequest) -> dict[str, Any]:
    """Oldest first, with how often each has failed since its last success, and the status of its last answer."""
    return {"webhooks": [_shown(webhook) for webhook in registering.webhooks_of(_box(request))]}


@router.delete("/{upload:webhook_id}", response={204: None} | PROBLEMS, summary="Remove a webhook")
def remove(request: HttpRequest, webhook_id: str) -> Status[None]:
    """It hears nothing more, and what still waits for it is dropped."""
    if not registering.remove(box=_box(request), webhook_id=webhook_id):
        raise Http404
    return Status(204, None)


def _box(request: HttpRequest) -> str:
    if not settings.WEBHOOKS:
        raise Unanswerable("webhooks_off")
    box = box_of(request)
    if box is None:
        raise Unanswerable("box_needed")
    return box


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "events": webhook.wanted,
        "created_at": webhook.created_at,
        "failures": webhook.failures,
        "last_status": webhook.last_status,
    }
