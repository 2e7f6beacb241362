"""A kept connection to Postgres is looked at for each request, and Postgres is asked only if there is a reason."""

import socket

import psycopg2
import pytest
from django.db import connection as database

from mayfly.postgresql import base

from ...support.configuration import PRODUCTION, show


class Kept:
    """As much of psycopg2's connection as the backend uses: a socket, whose other end is Postgres, and a cursor."""

    closed = 0

    def __init__(self):
        self.ours, self.postgres = socket.socketpair()
        self.asked = 0

    def fileno(self) -> int:
        return self.ours.fileno()

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def execute(self, sql):
        self.asked += 1
        if self.postgres.fileno() == -1:
            raise psycopg2.OperationalError


@pytest.fixture
def kept():
    kept = Kept()
    yield kept
    kept.ours.close()
    kept.postgres.close()


@pytest.fixture
def wrapper(kept):
    """A connection that was in use a moment ago."""
    wrapper = base.DatabaseWrapper(database.settings_dict | {"OPTIONS": {}})
    wrapper.connection = kept
    assert wrapper.is_usable()
    assert kept.asked == 1  # nothing was known of it
    return wrapper


def test_a_connection_in_use_is_not_asked_again(wrapper, kept):
    assert [wrapper.is_usable() for _ in range(5)] == [True] * 5
    assert kept.asked == 1


def test_a_connection_that_postgres_has_closed_is_found_out(wrapper, kept):
    kept.postgres.close()
    assert not wrapper.is_usable()


def test_a_connection_that_psycopg_has_closed_is_asked(wrapper, kept):
    kept.closed = 2
    wrapper.is_usable()
    assert kept.asked == 2


def test_postgres_is_asked_if_it_has_sent_something(wrapper, kept):
    kept.postgres.send(b"a notice")
    assert wrapper.is_usable()
    assert kept.asked == 2


def test_postgres_is_asked_after_an_error(wrapper, kept):
    wrapper.errors_occurred = True
    assert wrapper.is_usable()
    assert kept.asked == 2


def test_postgres_is_asked_after_a_pause(wrapper, kept, monkeypatch):
    monkeypatch.setattr(base, "RECENT", 0)
    assert wrapper.is_usable()
    assert kept.asked == 2


def test_no_connection_is_not_usable(wrapper):
    wrapper.connection = None
    assert not wrapper.is_usable()


def test_no_lost_network_holds_a_connection_for_long():
    """Web answers within the router's 30 s, also if the machine of Postgres has gone without a word."""
    (databases,) = show("DATABASES", **PRODUCTION)
    assert "'connect_timeout': 5" in databases
    assert "'tcp_user_timeout': 10000" in databases
