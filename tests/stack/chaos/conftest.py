"""Each test here begins with a whole and empty stack, and may leave a broken one."""

import os
import time
from collections.abc import Iterator

import psycopg2
import pytest

from ..conftest import BUCKET
from . import stack

SAID = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def table():
    """A function that queries the database, over a new connection each time because Postgres is killed as well."""

    def ask(query: str, *values) -> list[tuple]:
        end = time.monotonic() + 60
        while True:
            try:
                return _asked(query, values)
            except psycopg2.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    return ask


def _asked(query: str, values: tuple) -> list[tuple]:
    connection = psycopg2.connect(os.environ["STACK_DATABASE_URL"], connect_timeout=5)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.fixture
def visitor() -> stack.Visitor:
    return stack.Visitor()


@pytest.fixture(autouse=True)
def whole_and_empty(table, bucket) -> None:
    """Start every container, and empty table and bucket, whatever an earlier test left."""
    stack.start(*stack.SERVICES)
    stack.healthy()
    table("DELETE FROM uploads_upload")
    for key in bucket.keys(""):
        bucket.client.delete_object(Bucket=BUCKET, Key=key)
    for page in bucket.client.get_paginator("list_multipart_uploads").paginate(Bucket=BUCKET):
        for transfer in page.get("Uploads", ()):
            bucket.client.abort_multipart_upload(Bucket=BUCKET, Key=transfer["Key"], UploadId=transfer["UploadId"])


@pytest.fixture(scope="session", autouse=True)
def whole_at_the_end() -> Iterator[None]:
    """Give later tests a whole stack."""
    yield
    stack.start(*stack.SERVICES)
    stack.healthy()


@pytest.fixture
def say(request):
    """A function that adds a line to the summary of pytest, for the figures of a run."""
    return request.config.stash.setdefault(SAID, []).append


def pytest_terminal_summary(terminalreporter, config) -> None:
    for line in config.stash.get(SAID, []):
        terminalreporter.write_line(line)
