"""The webhooks of a box: registered and removed by its owner."""

import base64
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from ..uploads.errors import NotAllowed
from ..uploads.locks import transaction_lock
from .limits import ADDRESS_WEBHOOKS, BOX_WEBHOOKS
from .models import Event, Webhook
from .sending import SECRET_PREFIX
from .targets import target_of


def register(*, box: str, address: str, url: str, events: Sequence[Event], site: str) -> Webhook:
    """Let this URL hear of the box's uploads. `site` begins the links in what it hears.

    Raises:
        NotAllowed: it is no public address, or the box or the client's address has as many webhooks as it may.
    """
    target_of(url)
    with transaction.atomic(durable=True):
        transaction_lock(box)
        transaction_lock(address)
        of_box, of_address = Webhook.objects.filter(box=box), Webhook.objects.filter(address=address)
        if of_box.count() >= BOX_WEBHOOKS or of_address[:ADDRESS_WEBHOOKS].count() >= ADDRESS_WEBHOOKS:
            message = _("You can have at most %(limit)d webhooks. Remove one of them first.")
            raise NotAllowed("webhook_count", message % {"limit": BOX_WEBHOOKS})
        webhook = Webhook.objects.create(
            box=box,
            address=address,
            url=url,
            events=",".join(event for event in Event if event in events),
            secret=SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode(),
            site=site,
        )
    webhook.refresh_from_db()
    return webhook


def webhooks_of(box: str) -> list[Webhook]:
    """The webhooks of a box, oldest first."""
    return list(Webhook.objects.filter(box=box).order_by("created_at", "pk"))


def remove_all(box: str) -> None:
    """Remove all webhooks of a box, and all that waits for them."""
    Webhook.objects.filter(box=box).delete()


def remove(*, box: str, webhook_id: str) -> bool:
    """Remove a webhook, and all that waits for it. False if the box has none of this id."""
    with transaction.atomic(durable=True):
        webhook = Webhook.objects.select_for_update().filter(box=box, pk=webhook_id).first()
        if webhook:
            webhook.delete()
    return webhook is not None
