"""A long answer ends if its client does not take it, and breaks off if it cannot go on."""

import socket
from contextlib import suppress

import pytest

from mayfly import answers
from mayfly.answers import Paced


@pytest.fixture
def pair():
    client, server = socket.socketpair()
    yield client, server
    client.close()
    server.close()


def chunks(*found: bytes | Exception):
    for one in found:
        if isinstance(one, Exception):
            raise one
        yield one


def fill(sock: socket.socket) -> None:
    """Send until the socket takes no more."""
    sock.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            sock.send(b"x" * 65536)


def test_an_answer_is_given_whole_and_then_done(pair):
    done = []
    paced = Paced(chunks(b"one", b"two"), sock=pair[1], done=lambda: done.append(True))
    assert list(paced) == [b"one", b"two"]
    paced.close()
    paced.close()
    assert done == [True]
    assert pair[1].gettimeout() is None


def test_an_answer_that_cannot_go_on_breaks_the_connection(pair):
    paced = Paced(chunks(b"one", RuntimeError("gone")), sock=pair[1], done=lambda: None)
    taken = iter(paced)
    assert next(taken) == b"one"
    with pytest.raises(ConnectionResetError):
        next(taken)


def test_a_client_that_takes_nothing_is_left(pair, monkeypatch):
    """Case 99."""
    monkeypatch.setattr(answers, "PATIENCE", 0.05)
    fill(pair[1])
    done = []
    paced = Paced(chunks(b"one"), sock=pair[1], done=lambda: done.append(True))
    with pytest.raises(ConnectionResetError):
        next(iter(paced))
    paced.close()
    assert done == [True]


def test_a_client_that_takes_too_little_is_left(pair, monkeypatch):
    """Case 99. Its time runs out although it takes something each time."""
    now = 0.0
    monkeypatch.setattr(answers, "monotonic", lambda: now)
    paced = Paced(chunks(*[b"x" * 1024] * 100), sock=pair[1], done=lambda: None)
    given = []

    def take_all() -> None:
        nonlocal now
        for chunk in paced:
            given.append(chunk)
            now += 1.0  # a kilobyte a second

    with pytest.raises(ConnectionResetError):
        take_all()
    assert answers.PATIENCE <= len(given) <= answers.PATIENCE + 2


def test_gunicorn_waits_no_longer_for_a_chunk_than_the_answer_has(pair):
    """Case 99."""
    paced = iter(Paced(chunks(b"one"), sock=pair[1], done=lambda: None))
    next(paced)
    assert pair[1].gettimeout() == answers.PATIENCE
