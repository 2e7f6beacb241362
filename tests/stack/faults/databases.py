"""Make, copy and watch databases: files of SQLite, or databases beside the stack's own."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from django.conf import settings
from django.core.management import call_command
from django.db import connection

# The process's own database; one that has Django's tables but not those of `uploads`, as a first release finds it; and
# a copy of the latter for each release.
OWN = str(settings.DATABASES["default"]["NAME"])
BEFORE_RELEASE, RELEASED = f"{OWN}_before", f"{OWN}_released"
# The name under which Postgres knows the process that meets the fault.
ACTING = f"acting on {OWN}"


def use(name: str) -> None:
    """Let this process use another database."""
    connection.settings_dict["NAME"] = name


def create() -> None:
    """Create the databases. Call it in a fork, because it leaves the process on another database."""
    for name, apps in ((BEFORE_RELEASE, ["contenttypes", "auth", "admin", "sessions"]), (OWN, ["uploads", "visitors"])):
        copy(None if name == BEFORE_RELEASE else BEFORE_RELEASE, name)
        use(name)
        for app in apps:
            call_command("migrate", app, verbosity=0)
        connection.close()


def copy(source: str | None, target: str) -> None:
    """Make `target` a copy of `source`, or empty if `source` is None."""
    if _on_postgres():
        with _administrator() as execute:
            execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)")
            execute(f"CREATE DATABASE {target} TEMPLATE {source or 'template0'}")
            # Only the program dies here, never Postgres, so no commit needs to wait for the disk.
            execute(f"ALTER DATABASE {target} SET synchronous_commit TO off")
        return
    for rest in ("", "-wal", "-shm"):
        Path(f"{target}{rest}").unlink(missing_ok=True)
    if source:
        shutil.copy(source, target)


def wait_for_the_dead() -> None:
    """Wait until Postgres has noticed the death of the process and rolled its transaction back."""
    if _on_postgres():
        with connection.cursor() as cursor:
            deadline = time.monotonic() + 10
            while True:
                cursor.execute("SELECT 1 FROM pg_stat_activity WHERE application_name = %s", [ACTING])
                if cursor.fetchone() is None:
                    return
                assert time.monotonic() < deadline, "Postgres still knows a process that is dead"
                time.sleep(0.005)


def _on_postgres() -> bool:
    return connection.vendor == "postgresql"


@contextmanager
def _administrator() -> Iterator:
    own = psycopg2.connect(os.environ["ADMIN_DATABASE_URL"])
    own.autocommit = True

    def execute(query: str) -> list[tuple]:
        with own.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []

    try:
        yield execute
    finally:
        own.close()
