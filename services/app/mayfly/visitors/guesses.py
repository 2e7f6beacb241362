"""The limit on guesses at an operator's password, by name and by address.

A guess is counted before its password is hashed: hashing is what costs us, and a count afterwards would let many
guesses at once through. A right password is given back.
"""

import unicodedata
from datetime import timedelta

from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac

from ..uploads.ids import ID_LENGTH
from ..uploads.locks import transaction_lock
from .models import Guesses

# Ten wrong passwords are more than a person types in a quarter of an hour. An address may serve several operators.
MOST_FOR_NAME, MOST_FROM_ADDRESS = 10, 20
WINDOW = timedelta(minutes=15)
PURGED = 100  # old counts that one guess removes at most


class TooManyGuesses(Exception):
    """The limit is reached; `left` says for how long."""

    def __init__(self, left: timedelta):
        super().__init__(f"for {left}")
        self.left = left


def count(name: str, address: str) -> None:
    """Count a guess at the password of this name from this address. Raises TooManyGuesses, and then counts nothing."""
    limits = {_name_key(name): MOST_FOR_NAME, _address_key(address): MOST_FROM_ADDRESS}
    with transaction.atomic(durable=True):
        _lock(*limits)
        Guesses.objects.filter(key__in=limits, ends_at__lte=Now()).delete()
        left = models.ExpressionWrapper(F("ends_at") - Now(), output_field=models.DurationField())
        counts = {guesses.key: guesses for guesses in Guesses.objects.filter(key__in=limits).annotate(left=left)}
        full = [guesses.left for key, guesses in counts.items() if guesses.count >= limits[key]]
        if full:
            raise TooManyGuesses(max(full))
        Guesses.objects.filter(key__in=counts).update(count=F("count") + 1)
        Guesses.objects.bulk_create(
            Guesses(key=key, count=1, ends_at=Now() + WINDOW) for key in limits if key not in counts
        )
        _purge()


def give_back(name: str, address: str) -> None:
    """The last guess was right: it does not count, and neither do earlier ones at this name's password."""
    with transaction.atomic(durable=True):
        _lock(_name_key(name), _address_key(address))
        Guesses.objects.filter(key=_name_key(name)).delete()
        Guesses.objects.filter(key=_address_key(address), count__gt=0).update(count=F("count") - 1)


def _lock(*keys: str) -> None:
    for key in sorted(keys):  # in one order, so that two guesses never wait for each other
        transaction_lock(key)


def _purge() -> None:
    """Delete some old counts, except those that another guess deletes now."""
    old = Guesses.objects.filter(ends_at__lte=Now()).select_for_update(skip_locked=True)
    Guesses.objects.filter(key__in=list(old.values_list("key", flat=True)[:PURGED])).delete()


def _name_key(name: str) -> str:
    return _key(f"name:{unicodedata.normalize('NFKC', name).strip().casefold()}")


def _address_key(address: str) -> str:
    return _key(f"address:{address}")


def _key(text: str) -> str:
    return salted_hmac("mayfly.guesses", text).hexdigest()[:ID_LENGTH]
