"""The end of all tokens of a box at once: a new generation of them begins.

Only a box whose tokens were replaced has a row, so the table stays small, and each request that has a token reads it by
its primary key. The row is needed until the older tokens are too old by themselves. It is purged afterwards, and then
any generation is current.
"""

from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import get_random_string

from ..uploads.prepared import Prepared
from ..webhooks import registering
from . import cookies
from .models import GENERATION_LENGTH, Renewal
from .tokens import AGE, Token

MARGIN = timedelta(days=1)  # for clocks that differ
PURGED = 100  # old rows that one renewal removes at most


def renew(box: str) -> Token:
    """Let no token of this box count any more, except the one that is returned.

    Its webhooks go as well: whoever had a token may have registered one, which would go on to hear names and links.
    """
    token = Token(box, generation=get_random_string(GENERATION_LENGTH))
    # Tokens of version 0.1 have no age: they count until a day that is the same for all.
    ends_at = max(timezone.now() + timedelta(seconds=AGE) + MARGIN, cookies.OLD_FORMS_UNTIL + MARGIN)
    Renewal.objects.bulk_create(
        [Renewal(box=box, generation=token.generation, ends_at=ends_at)],
        update_conflicts=True,
        unique_fields=["box"],
        update_fields=["generation", "ends_at"],
    )
    registering.remove_all(box)
    _purge()
    return token


def generation_of(box: str) -> str | None:
    """The generation of the box's tokens that count; None if all do. One query, by the primary key."""
    return next((generation for (generation,) in _generations.rows(box)), None)


def is_current(token: Token) -> bool:
    """Whether the tokens of the box were not renewed since this one was made."""
    return generation_of(token.box) in (None, token.generation)


def _purge() -> None:
    """Delete some old rows. A row that is renewed at this moment is no longer old when its turn comes."""
    old = Renewal.objects.filter(ends_at__lte=Now())
    old.filter(pk__in=list(old.values_list("pk", flat=True)[:PURGED])).delete()


_generations = Prepared(lambda box: Renewal.objects.filter(pk=box).values_list("generation"), "the box")
