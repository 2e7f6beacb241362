"""A query whose SQL is made once a thread asks what its query set asks."""

import threading

import pytest
from django.db import DataError, connection
from django.db.models import F
from django.db.models.sql.compiler import SQLCompiler

from mayfly.uploads import prepared
from mayfly.uploads.choices import Kind
from mayfly.uploads.listing import listed
from mayfly.uploads.models import Upload
from mayfly.uploads.paging import overview
from mayfly.uploads.prepared import Prepared

from ...support.making import ready_row

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_values_take_the_places_of_their_names():
    ready_row(box="a" * 22, kind="file", name="first")
    ready_row(box="b" * 22, kind="file", name="second")
    named = Prepared(
        lambda box, name: Upload.objects.filter(box=box, name=name).values_list("name", "size"), "the box", "the name"
    )
    assert list(named.rows("a" * 22, "first")) == [("first", Upload.objects.get(name="first").size)]
    assert list(named.rows("a" * 22, "second")) == []
    assert list(named.rows("the box", "the name")) == []


def test_a_list_of_one_page_makes_its_sql_once(owner, monkeypatch):
    upload = owner.upload(name="mine.txt")
    box = Upload.objects.get(pk=upload["id"]).box
    overview(box, Kind.FILE)

    def none_again(*_: object, **__: object) -> None:
        raise AssertionError("SQL is made again")

    monkeypatch.setattr(SQLCompiler, "as_sql", none_again)
    assert [one.pk for one in overview(box, Kind.FILE).uploads] == [upload["id"]]


def test_a_plan_that_the_server_has_lost_costs_no_answer(monkeypatch, caplog):
    monkeypatch.setattr(prepared._plans, "kept", True)
    ready_row(box="a" * 22, kind="file", name="mine")
    assert [one.name for one in listed("a" * 22, Kind.FILE)] == ["mine"]
    is_kept = connection.vendor == "postgresql"
    if is_kept:
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
    assert [one.name for one in listed("a" * 22, Kind.FILE)] == ["mine"]
    assert [one.name for one in listed("a" * 22, Kind.FILE)] == ["mine"]
    assert len(caplog.messages) == is_kept


def test_a_column_that_a_migration_changes_costs_no_answer(monkeypatch):
    """Web of the earlier version still runs while the release step migrates."""
    monkeypatch.setattr(prepared._plans, "kept", True)
    ready_row(box="a" * 22, kind="file", name="mine")
    assert [one.name for one in listed("a" * 22, Kind.FILE)] == ["mine"]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE uploads_upload ALTER COLUMN name TYPE text")
    try:
        assert [one.name for one in listed("a" * 22, Kind.FILE)] == ["mine"]
    finally:
        if connection.vendor == "postgresql":
            length = Upload._meta.get_field("name").max_length
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE uploads_upload ALTER COLUMN name TYPE varchar({length})")


def test_a_failed_query_is_no_lost_plan():
    named = Prepared(lambda size: Upload.objects.filter(size=F("size") / 0, name=size).values_list("name"), "the name")
    ready_row(box="a" * 22, kind="file", name="mine")
    if connection.vendor == "postgresql":
        with pytest.raises(DataError):
            list(named.rows("mine"))
    assert prepared._plans.kept


def test_each_thread_asks_over_its_own_connection(owner):
    mine = owner.upload(name="mine.txt")
    box = Upload.objects.get(pk=mine["id"]).box
    found: list[str] = []

    def look() -> None:
        found.extend(one.pk for one in listed(box, Kind.FILE))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [mine["id"]] == [one.pk for one in listed(box, Kind.FILE)]
