"""A visitor types the password of an upload: it is counted as a guess, then compared."""

from ..uploads.errors import Hashing
from ..uploads.guarded import Guarded
from ..uploads.limits import PASSWORD_LENGTH
from ..uploads.passwords import is_right
from . import guesses


def unlocks(guard: Guarded, password: str, *, address: str) -> bool:
    """Whether this is the password of what the guard protects. A wrong one counts against it and the address.

    Raises:
        TooManyGuesses: the next guess has to wait, and this one was not looked at.
        Hashing: too many passwords are being compared, and this one does not count.
    """
    if not 0 < len(password) <= PASSWORD_LENGTH:
        return False
    limits = guesses.for_upload(guard.pk, address)
    guesses.count(limits)
    try:
        right = is_right(password, guard.password)
    except Hashing:
        guesses.give_back(limits)
        raise
    if right:
        guesses.give_back(limits)
    return right
