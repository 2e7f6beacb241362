"""A database of a bench's own, in the Postgres of the stack, with Django set up on it in this process."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import psycopg2

ROOT = Path(__file__).resolve().parent.parent
NAME = "mayfly_bench"
ROWS = """
    INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size, transfer_id,
        lifetime, refusal, completed_at, expires_at)
    SELECT substr(md5(%(label)s || n), 1, 22), 'box' || n / 100, '', 'file', 'ready', 'x', '', '', 1, 1, '', '1h', '',
        now(), now() + make_interval(secs => %(left)s) - n * '1ms'::interval
    FROM generate_series(%(first)s, %(last)s) AS n
"""


def set_up() -> None:
    """Make the database anew, and its tables."""
    given = os.environ["STACK_DATABASE_URL"]
    url = create(given, NAME)
    sys.path[:0] = [str(ROOT / "services/app"), str(ROOT)]
    os.environ |= {
        "SECRET_KEY": "only-for-the-bench" * 3,
        "SETTINGS_MODULE_PATH": "mayfly.settings.development",
        "DATABASE_URL": url,
        "USE_S3": "False",
    }
    import django

    from mayfly import settings as chosen

    chosen.choose()
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def execute(query: str, values: object = None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query, values)


def add_rows(label: str, last: int, *, first: int = 1, left: float) -> None:
    """Add ready uploads whose ids have this label (see bucket.py), and which expire in so many seconds."""
    execute(ROWS, {"label": label, "first": first, "last": last, "left": left})


def storage_at(url: str) -> Any:
    """The program's storage, in the bucket `bench` of this server."""
    from mayfly.storage.s3.storage import S3UploadStorage

    keys = {"access_key": "test", "secret_key": "test"}
    return S3UploadStorage(bucket_name="bench", endpoint_url=url, region_name="us-east-1", **keys)


def create(database: str, name: str) -> str:
    """Make a database of this name anew, beside the one with this URL, and return its own."""
    connection = psycopg2.connect(database)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return re.sub("/[^/]*$", f"/{name}", database)
