"""A database and a queue of an earlier version go on working: names that they contain stay what they are."""

import os
from uuid import uuid4

import httpx
import kombu
import pytest

from .conftest import compose, until

EARLIER_MIGRATIONS = {("uploads", "0001_initial"), ("uploads", "0002_previews")}
EARLIER_TABLES = {"uploads_upload", "uploads_heartbeat"}


def test_the_database_keeps_the_names_of_migrations_and_tables(table):
    assert set(table("SELECT app, name FROM django_migrations")) >= EARLIER_MIGRATIONS
    assert {name for (name,) in table("SELECT tablename FROM pg_tables")} >= EARLIER_TABLES


def test_the_models_need_no_further_migration():
    compose("exec", "-T", "web", "python", "manage.py", "makemigrations", "--check", "--dry-run")


@pytest.mark.parametrize(
    ("name", "queue"),
    [
        ("uploads.tasks.sweep", "removal"),
        ("uploads.tasks.preview", "previews"),
        ("uploads.tasks.reconcile", "previews"),
    ],
)
def test_a_message_of_an_earlier_version_still_runs(name, queue):
    task_id = f"earlier-{uuid4()}"
    with kombu.Connection(f"{os.environ['BROKER']}/0") as connection:
        connection.Producer(serializer="json").publish(
            [[], {}, {}],
            exchange=queue,
            routing_key=queue,
            headers={"id": task_id, "task": name, "lang": "py"},
            correlation_id=task_id,
            declare=[kombu.Queue(queue, kombu.Exchange(queue), routing_key=queue)],
        )
    until(lambda: state_of(task_id) == "SUCCESS", seconds=30)


def state_of(task_id: str) -> str | None:
    """The state in which Flower shows this task; None if Flower does not know it."""
    auth = tuple(os.environ["FLOWER_BASIC_AUTH"].split(":", 1))
    answer = httpx.get(f"{os.environ['FLOWER_URL']}/api/task/info/{task_id}", auth=auth)
    return answer.json()["state"] if answer.status_code == 200 else None
