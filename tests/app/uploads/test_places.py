"""Places for completes: while storage hangs, they never hold all threads of a process."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection

from mayfly.uploads import lifecycle, places
from mayfly.uploads.choices import State
from mayfly.uploads.errors import Crowded
from mayfly.uploads.places import Places

from ...support.broken import Wrapped
from ...support.making import arrive, begin
from ...support.waiting import until


@contextmanager
def held(all_places: Places, count: int) -> Iterator[Callable[[], None]]:
    """Let `count` threads hold a place during the block; gives a function that lets them go."""
    leave, inside = threading.Event(), threading.Barrier(count + 1)

    def hold() -> None:
        with all_places.entered():
            inside.wait(20)
            leave.wait(20)

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(hold) for _ in range(count)]
        inside.wait(20)
        try:
            yield leave.set
        finally:
            leave.set()
        for future in futures:
            future.result(20)


def enter(all_places: Places) -> str:
    with all_places.entered():
        return "entered"


@pytest.mark.parametrize(("threads", "count"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 6)])
def test_completes_get_two_threads_fewer_than_there_are(monkeypatch, threads, count):
    """Case 88."""
    monkeypatch.setattr(places, "MOMENT", 0.01)
    all_places = Places(threads=threads)
    with held(all_places, count), pytest.raises(Crowded):
        enter(all_places)
    assert enter(all_places) == "entered"


def test_one_more_complete_waits_and_the_next_is_turned_away(monkeypatch):
    """Case 88."""
    monkeypatch.setattr(places, "MOMENT", 20)
    all_places = Places(threads=3)
    with ThreadPoolExecutor(1) as pool, held(all_places, 1) as let_go:
        waiting: Future[str] = pool.submit(enter, all_places)
        until(lambda: waiting.running() and not all_places._waiting._value, seconds=20)
        with pytest.raises(Crowded):
            enter(all_places)
        let_go()
        assert waiting.result(20) == "entered"


@pytest.mark.parametrize("threads", [1, 2])
def test_no_complete_waits_if_its_thread_would_be_the_last_one(monkeypatch, threads):
    """Case 88."""
    monkeypatch.setattr(places, "MOMENT", 600)
    all_places = Places(threads=threads)
    with held(all_places, 1), pytest.raises(Crowded):
        enter(all_places)


@pytest.mark.django_db(transaction=True)
def test_completes_of_many_uploads_leave_threads_free(monkeypatch):
    """Case 88. Storage hangs: one complete works, one waits for a moment, and the others are turned away."""
    monkeypatch.setattr(places, "MOMENT", 0.05)
    monkeypatch.setattr(places, "for_completes", Places(threads=3))
    uploads = [arrive(begin(b"hello")) for _ in range(10)]
    inside, leave = threading.Event(), threading.Event()

    def hang(*arguments):
        inside.set()
        assert leave.wait(20)
        return Wrapped().parts(*arguments)

    def complete(upload):
        try:
            return lifecycle.complete(upload, storage=Wrapped(parts=hang))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(complete, uploads[0])
        assert inside.wait(20)
        for upload in uploads[1:]:
            with pytest.raises(Crowded):
                lifecycle.complete(upload, storage=Wrapped(parts=hang))
        leave.set()
        assert hanging.result(20).state == State.READY
    assert {lifecycle.complete(upload, storage=Wrapped()).state for upload in uploads} == {State.READY}
