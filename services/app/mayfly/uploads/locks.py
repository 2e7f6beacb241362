"""Locks by name. Postgres gives them; SQLite needs none."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper

from .errors import Busy

# Seconds for which a request waits for another one that works on the same upload. A usual one takes less than a second.
# The longest waits 23 s for storage, and the router gives up after 30.
PATIENCE = 5
# Threads of a process inside the same `request_lock`: one that works, and one that waits for it.
TOGETHER = 2
LOCK_NOT_AVAILABLE = "55P03"  # Postgres's code for a lock that took too long


def transaction_lock(name: str) -> None:
    """Lock this box or address until the transaction ends; other transactions that want the lock wait.

    Counts over a box or an address (its newest images, its bytes) are exact only under its lock. When you need
    both locks, take the box's first. On SQLite a transaction excludes all others from its start (IMMEDIATE).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


@contextmanager
def advisory_lock(name: str) -> Iterator[None]:
    """Hold a lock for the length of the block, and wait for it as long as it takes.

    It is not tied to a transaction, so it suits slow work. Postgres releases it when the connection ends, so a process
    that dies blocks no other. SQLite has no such lock. It needs none, because the folder storage, which does the slow
    work there, excludes by itself.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        _lock(cursor, name)
    with _unlocked_at_the_end(name):
        yield


@contextmanager
def request_lock(name: str) -> Iterator[None]:
    """As `advisory_lock`, for a request: it waits for PATIENCE, and only one thread of a process does.

    Without these limits, a few calls for the same name hold every thread while one of them waits for storage.

    Raises:
        Busy: the wait took too long, or another thread of this process waits already.
    """
    with _one_of_two(name):
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 1))", [name])
            if not cursor.fetchone()[0]:
                _lock_in_time(cursor, name)
        with _unlocked_at_the_end(name):
            yield


@contextmanager
def lock_if_free(name: str) -> Iterator[bool]:
    """Hold a lock for the length of the block, unless another process has it: then False, at once.

    For periodic work that one process should do at a time. Without Postgres one process does it anyway.
    """
    if connection.vendor != "postgresql":
        yield True
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 1))", [name])
        is_held = bool(cursor.fetchone()[0])
    if not is_held:
        yield False
        return
    with _unlocked_at_the_end(name):
        yield True


def _lock(cursor: CursorWrapper, name: str) -> None:
    cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 1))", [name])


def _lock_in_time(cursor: CursorWrapper, name: str) -> None:
    """The lock outlasts the transaction, which is here for the time limit alone."""
    try:
        with transaction.atomic(durable=True):
            cursor.execute("SET LOCAL lock_timeout = %s", [f"{PATIENCE}s"])
            _lock(cursor, name)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) == LOCK_NOT_AVAILABLE:
            raise Busy from error
        raise


@contextmanager
def _unlocked_at_the_end(name: str) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:  # a lost connection has released it already
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 1))", [name])


@contextmanager
def _one_of_two(name: str) -> Iterator[None]:
    """Raises Busy if two threads of this process are inside the block under this name."""
    with _guard:
        if _inside[name] >= TOGETHER:
            raise Busy
        _inside[name] += 1
    try:
        yield
    finally:
        with _guard:
            _inside[name] -= 1
            if not _inside[name]:
                del _inside[name]


_guard = threading.Lock()
_inside: Counter[str] = Counter()
