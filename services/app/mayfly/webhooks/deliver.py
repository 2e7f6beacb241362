"""A round of deliveries: threads send, and this one alone asks the database."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from time import monotonic

from ..uploads.errors import NotAllowed
from . import queue, sending
from .models import Delivery, Webhook
from .queue import Outcome
from .targets import target_of

logger = logging.getLogger(__name__)

# Endpoints that are asked at the same time, in one process.
TOGETHER = 16
# Events that one endpoint gets in a round, over one connection each.
EACH = 8
# A turn begins no request after this many seconds. Its last one takes 5, and a round waits 3 more for lookups of names.
TURN_SECONDS = 4.0
ROUND_SECONDS = 12.0


def deliver() -> int:
    """Send what is due, and return how many events were confirmed. Any number of processes may do so at once."""
    queue.purge()
    until = monotonic() + ROUND_SECONDS
    turns = {}
    for webhook in queue.claim(TOGETHER):
        turns[_senders().submit(_turn, webhook, queue.waiting(webhook, EACH))] = webhook
    wait(turns, timeout=max(0.0, until - monotonic()))
    delivered = 0
    for turn, webhook in turns.items():
        if turn.done():
            outcome = turn.result()
        elif turn.cancel():  # it never got a thread, so it is due again
            outcome = Outcome()
        else:  # the lookup of its name hangs
            first = queue.waiting(webhook, 1)
            outcome = Outcome(failed=first[0].pk if first else None)
        queue.finish(webhook, outcome)
        delivered += len(outcome.delivered)
    return delivered


def _turn(webhook: Webhook, deliveries: Sequence[Delivery]) -> Outcome:
    """Send these to one endpoint until one fails, or the time is over. Asks no database."""
    outcome, until = Outcome(), monotonic() + TURN_SECONDS
    for delivery in deliveries:
        if monotonic() > until:
            break
        try:
            target = target_of(webhook.url)  # again, because the operator may have changed WEBHOOK_HOSTS
            outcome.status = sending.post(
                target, secret=webhook.secret, delivery_id=f"msg_{delivery.pk}", body=delivery.body
            )
        except (sending.Failed, NotAllowed) as why:
            outcome.failed, outcome.status = delivery.pk, None
            logger.info("%s does not answer: %s", webhook, why)
            break
        if not 200 <= outcome.status < 300:
            outcome.failed, outcome.left = delivery.pk, outcome.status == 410
            break
        outcome.delivered.append(delivery.pk)
    return outcome


@cache
def _senders() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=TOGETHER, thread_name_prefix="webhooks")
