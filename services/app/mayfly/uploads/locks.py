"""Locks by name. Postgres gives both kinds; SQLite needs neither."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


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
    """Hold a lock for the length of the block. It is not tied to a transaction, so it suits slow work.

    Postgres releases it when the connection ends, so a process that dies blocks no other. SQLite has no such
    lock. It needs none, because the folder storage, which does the slow work there, excludes by itself.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 1))", [name])
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:  # a lost connection has released it already
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 1))", [name])
