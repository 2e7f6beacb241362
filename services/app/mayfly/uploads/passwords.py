"""Passwords of uploads: hashed with Argon2id, one at a time in a process.

A hash takes 19 MiB and about 30 ms, which OWASP's cheat sheet on the storage of passwords names as the least. More
memory would not fit beside the program into a process of a 512 MB dyno.
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
"""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from .errors import Hashing

# Seconds for which a thread waits for those before it. As many threads as a process has are through long before.
PATIENCE = 2
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_turn = threading.Lock()


def hashed(password: str) -> str:
    """The hash of a password, with its salt and parameters. Raises Hashing: too many others are being hashed."""
    with _one_at_a_time():
        return _hasher.hash(_normal(password))


def is_right(password: str, kept: str) -> bool:
    """Whether this is the password of the hash. Raises Hashing."""
    with _one_at_a_time():
        try:
            return _hasher.verify(kept, _normal(password))
        except (VerificationError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    """In one form, because keyboards and systems write the same letter in several."""
    return unicodedata.normalize("NFC", password)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if not _turn.acquire(timeout=PATIENCE):
        raise Hashing
    try:
        yield
    finally:
        _turn.release()
