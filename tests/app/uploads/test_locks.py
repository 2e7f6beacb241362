"""Locks of requests: one thread of a process works, one waits for a while, and the others are turned away."""

from collections.abc import Callable
from threading import Barrier, Event

import pytest
from django.db import connection

from mayfly.uploads import lifecycle, locks, places
from mayfly.uploads.choices import State
from mayfly.uploads.errors import Busy

from ...support.broken import Wrapped
from ...support.making import arrive, begin

pytestmark = pytest.mark.django_db(transaction=True)


def enter(name: str, *, before: Callable[[], object] = lambda: None) -> str:
    with locks.request_lock(name):
        before()
        return "entered"


def test_a_third_thread_of_a_process_is_turned_away_at_once(beside):
    """Case 63."""
    inside, leave = Event(), Event()
    working = beside(lambda: enter("name", before=lambda: (inside.set(), leave.wait(20))))
    assert inside.wait(20)
    with locks._one_of_two("name"):  # the second one, which waits
        with pytest.raises(Busy):
            enter("name")
        assert enter("another name") == "entered"
    leave.set()
    assert working.result() == "entered"
    assert enter("name") == "entered"


def test_a_second_thread_waits_for_the_first_but_not_for_long(beside, monkeypatch):
    """Case 63. On SQLite it need not wait, because the folder storage excludes by itself."""
    monkeypatch.setattr(locks, "PATIENCE", 0.1)
    inside, leave = Event(), Event()
    working = beside(lambda: enter("name", before=lambda: (inside.set(), leave.wait(20))))
    assert inside.wait(20)
    waiting = beside(lambda: enter("name"))
    if connection.vendor == "postgresql":
        with pytest.raises(Busy):
            waiting.result(20)
    else:
        assert waiting.result(20) == "entered"
    leave.set()
    assert working.result() == "entered"
    assert beside(lambda: enter("name")).result(20) == "entered"


def test_a_second_thread_enters_when_the_first_leaves(beside):
    both = Barrier(2)
    futures = [beside(lambda: (both.wait(20), enter("name"))[1]) for _ in range(2)]
    assert [future.result(20) for future in futures] == ["entered", "entered"]


def test_completes_during_a_hanging_one_are_turned_away(beside, monkeypatch):
    """Case 63. They say when to come again, and then find the upload ready."""
    monkeypatch.setattr(places, "for_completes", places.Places(threads=8))
    upload = arrive(begin())
    inside, leave = Event(), Event()

    def hang(*arguments):
        inside.set()
        assert leave.wait(20)
        return Wrapped().parts(*arguments)

    hanging = beside(lambda: lifecycle.complete(upload, storage=Wrapped(parts=hang)))
    assert inside.wait(20)
    with locks._one_of_two(upload.pk), pytest.raises(Busy):
        lifecycle.complete(upload, storage=Wrapped())
    leave.set()
    assert hanging.result(20).state == State.READY
    assert lifecycle.complete(upload, storage=Wrapped()).state == State.READY


def test_a_lock_if_free_is_not_waited_for(beside):
    """Case 111. On SQLite one process does the periodic work anyway."""
    inside, leave = Event(), Event()

    def hold() -> bool:
        with locks.lock_if_free("digests") as is_free:
            inside.set()
            leave.wait(20)
            return is_free

    working = beside(hold)
    assert inside.wait(20)
    with locks.lock_if_free("digests") as is_free:
        assert is_free == (connection.vendor != "postgresql")
    leave.set()
    assert working.result(20)
    with locks.lock_if_free("digests") as is_free:
        assert is_free
