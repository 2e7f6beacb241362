"""The limits on guesses at passwords: of an operator by name and address, of an upload by its id and the address.

A guess is counted before its password is hashed: hashing is what costs us, and a count afterwards would let many
guesses at once through. A right password is given back.
"""

import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

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
# A person mistypes the password of an upload a few times. After that, each further guess waits twice as long. All
# recipients share the limit of an upload, so its longest wait is one that they can sit out.
FREE_AT_UPLOAD, FREE_FROM_ADDRESS = 20, 5
LONGEST_AT_UPLOAD = timedelta(minutes=1)
REMEMBERED = timedelta(hours=1)
PURGED = 100  # old counts that one guess removes at most


class TooManyGuesses(Exception):
    """The limit is reached; `left` says for how long."""

    def __init__(self, left: timedelta):
        super().__init__(f"for {left}")
        self.left = left


class Limit(NamedTuple):
    """How many guesses are `free`, and for how long each further one waits after the one before it.

    The count ends `window` after its last guess. A right password makes an end of it at once if it `forgives`.
    """

    key: str
    free: int
    first: timedelta
    longest: timedelta
    window: timedelta
    forgives: bool = False

    def wait(self, count: int) -> timedelta:
        """How long the next guess has to come after the last of so many."""
        over = count - self.free
        # A doubling of a second reaches every wait of ours by the twentieth.
        return min(self.first * 2 ** min(over, 20), self.longest) if over >= 0 else timedelta(0)


def for_operator(name: str, address: str) -> list[Limit]:
    """The limits on guesses at the password of this name from this address."""
    return [
        Limit(_name_key(name), MOST_FOR_NAME, WINDOW, WINDOW, WINDOW, forgives=True),
        Limit(_address_key(address), MOST_FROM_ADDRESS, WINDOW, WINDOW, WINDOW),
    ]


def for_upload(pk: str, address: str) -> list[Limit]:
    """The limits on guesses at the password of an upload, or of a bundle, with this id from this address."""
    second = timedelta(seconds=1)
    return [
        Limit(_key(f"upload:{pk}"), FREE_AT_UPLOAD, second, LONGEST_AT_UPLOAD, REMEMBERED),
        Limit(_key(f"uploads from:{address}"), FREE_FROM_ADDRESS, second, WINDOW, REMEMBERED),
    ]


def count(limits: Sequence[Limit]) -> None:
    """Count a guess that these limits are for. Raises TooManyGuesses, and then counts nothing."""
    keys = [limit.key for limit in limits]
    with transaction.atomic(durable=True):
        _lock(keys)
        Guesses.objects.filter(key__in=keys, ends_at__lte=Now()).delete()
        left = models.ExpressionWrapper(F("ends_at") - Now(), output_field=models.DurationField())
        counts = {guesses.key: guesses for guesses in Guesses.objects.filter(key__in=keys).annotate(left=left)}
        waits = [
            counts[limit.key].left - limit.window + limit.wait(counts[limit.key].count)
            for limit in limits
            if limit.key in counts
        ]
        longest = max(waits, default=timedelta(0))
        if longest > timedelta(0):
            raise TooManyGuesses(longest)
        for limit in limits:
            if limit.key in counts:
                Guesses.objects.filter(key=limit.key).update(count=F("count") + 1, ends_at=Now() + limit.window)
            else:
                Guesses.objects.create(key=limit.key, count=1, ends_at=Now() + limit.window)
        _purge()


def give_back(limits: Sequence[Limit]) -> None:
    """The last guess was right, so it does not count. Neither do earlier ones under a limit that forgives them."""
    with transaction.atomic(durable=True):
        _lock([limit.key for limit in limits])
        for limit in limits:
            counted = Guesses.objects.filter(key=limit.key)
            if limit.forgives:
                counted.delete()
            else:
                counted.filter(count__gt=0).update(count=F("count") - 1)


def _lock(keys: Sequence[str]) -> None:
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
