"""A body may keep a thread waiting for so long, and only so many bodies may."""

import socket
import time
from threading import Thread
from types import SimpleNamespace

import pytest

from mayfly import bodies
from mayfly.bodies import Line, NoRoom, Room, TooSlow


class Reader:
    """A body of a known length, as gunicorn reads it: as long as it takes, from the socket that the request has."""

    def __init__(self, request: SimpleNamespace, length: int):
        self.request, self.left = request, length

    def read(self, size: int) -> bytes:
        received = b""
        while len(received) < min(size, self.left):
            piece = self.request.unreader.sock.recv(min(size, self.left) - len(received))
            if not piece:
                break
            received += piece
        self.left -= len(received)
        return received


@pytest.fixture
def connect():
    """A function that makes a request with a body of this length; returns the client's socket and the request."""
    sockets = []

    def make(*, length: int = 10) -> tuple[socket.socket, SimpleNamespace]:
        client, server = socket.socketpair()
        sockets.extend((client, server))
        request = SimpleNamespace(headers=[("CONTENT-LENGTH", str(length))], unreader=SimpleNamespace(sock=server))
        request.closes = False
        request.force_close = lambda: setattr(request, "closes", True)
        request.body = Reader(request, length)
        return client, request

    yield make
    for one in sockets:
        one.close()


@pytest.fixture
def later(connect):
    """A function that sends these bytes, each after a pause. It has ended before the sockets close."""
    threads = []

    def send(client: socket.socket, content: bytes, *, pause: float) -> None:
        def run() -> None:
            for byte in content:
                time.sleep(pause)
                client.send(bytes([byte]))

        threads.append(Thread(target=run))
        threads[-1].start()

    yield send
    for thread in threads:
        thread.join()


@pytest.fixture
def short(monkeypatch):
    """Nobody waits for long in these tests."""
    monkeypatch.setattr(bodies, "PATIENCE", 0.05)
    monkeypatch.setattr(bodies, "GOODBYE", 0.05)


def line_of(request: SimpleNamespace, room: Room) -> Line:
    bodies.opened(request, room)
    line = bodies.current()
    assert line
    return line


@pytest.mark.parametrize(
    ("threads", "places", "each"), [(1, 1, 1), (3, 1, 1), (4, 2, 1), (5, 3, 2), (8, 6, 5), (64, 62, 6)]
)
def test_bodies_get_two_threads_fewer_and_an_address_leaves_one_more(threads, places, each):
    room = Room(threads=threads)
    assert [room.enter("one") for _ in range(each + 1)] == [True] * each + [False]
    assert [room.enter(f"other {number}") for number in range(places - each + 1)] == [True] * (places - each) + [False]
    room.leave("one")
    assert room.enter("one")


def test_a_body_that_has_arrived_needs_no_place(connect):
    room = Room(threads=1)
    room.enter("elsewhere")
    client, request = connect()
    line = line_of(request, room)
    client.sendall(b"x" * 10)
    assert request.body.read(10) == b"x" * 10
    assert line.end(request.body)
    assert not request.closes


def test_a_body_that_waits_without_a_place_is_refused_for_good(connect):
    room = Room(threads=1)
    room.enter("elsewhere")
    client, request = connect()
    line = line_of(request, room)
    client.sendall(b"x")
    with pytest.raises(NoRoom):
        request.body.read(10)
    client.sendall(b"x" * 9)
    with pytest.raises(NoRoom):
        line.recv(10)
    assert (line.failure, request.closes) == (NoRoom, True)


def test_a_body_that_uses_up_its_time_is_cut_off(connect, short):
    client, request = connect()
    line = line_of(request, Room(threads=1))
    client.sendall(b"x")
    with pytest.raises(TooSlow):
        request.body.read(10)
    assert (line.failure, request.closes) == (TooSlow, True)


def test_a_trickle_uses_up_the_time_of_its_body_byte_by_byte(connect, later, short):
    """No single wait is long, and no byte gives the time of the next one back."""
    client, request = connect(length=1000)
    line_of(request, Room(threads=1))
    later(client, b"x" * 100, pause=0.005)
    with pytest.raises(TooSlow):
        request.body.read(1000)


@pytest.mark.parametrize(("streamed", "rate", "arrives"), [(True, 0.1, True), (False, 0.1, False), (True, 1e9, False)])
def test_the_size_of_a_streamed_body_adds_to_its_time(connect, later, short, monkeypatch, streamed, rate, arrives):
    monkeypatch.setattr(bodies, "RATE", rate)
    client, request = connect(length=3)
    line = line_of(request, Room(threads=1))
    line.streamed = streamed
    client.sendall(b"xx")
    assert line.recv(2) == b"xx"
    later(client, b"x", pause=0.2)
    if arrives:
        assert line.recv(1) == b"x"
    else:
        with pytest.raises(TooSlow):
            line.recv(1)


def test_a_great_start_buys_no_long_silence(connect, short, monkeypatch):
    monkeypatch.setattr(bodies, "RATE", 0.001)
    monkeypatch.setattr(bodies, "MOST", 0.1)
    client, request = connect(length=1000)
    line_of(request, Room(threads=1)).streamed = True
    client.sendall(b"x" * 999)
    with pytest.raises(TooSlow):
        request.body.read(1000)


def test_the_time_in_which_we_do_not_read_is_not_the_clients(connect, short):
    client, request = connect()
    line = line_of(request, Room(threads=1))
    client.sendall(b"x" * 10)
    time.sleep(0.1)  # twice the patience, for example for storage
    assert line.recv(10) == b"x" * 10


def test_a_place_is_free_again_once_the_request_is_answered(connect, short):
    room = Room(threads=1)
    _, request = connect()
    line_of(request, room)
    with pytest.raises(TooSlow):
        request.body.read(10)
    assert not room.enter("elsewhere")
    bodies.closed(request)
    assert room.enter("elsewhere")


def test_an_unread_body_that_has_arrived_keeps_the_connection(connect):
    client, request = connect()
    sock = request.unreader.sock
    line_of(request, Room(threads=1))
    client.sendall(b"x" * 10)
    bodies.closed(request)
    assert (request.unreader.sock, request.closes, bodies.current()) == (sock, False, None)


@pytest.mark.parametrize("sent", [1, bodies.UNWANTED])
def test_an_unread_body_is_not_waited_for(connect, sent):
    """gunicorn reads on over the Line, which raises at once, and closes the connection."""
    client, request = connect(length=1_000_000)
    line = line_of(request, Room(threads=1))
    client.sendall(b"x" * sent)
    bodies.closed(request)
    assert (request.unreader.sock, request.closes, line.failure) == (line, True, None)
    with pytest.raises(TooSlow):
        request.body.read(1024)


def test_a_request_without_a_body_reads_from_its_own_socket(connect):
    for headers in ([], [("CONTENT-LENGTH", "0")]):
        _, request = connect()
        request.headers = headers
        sock = request.unreader.sock
        bodies.opened(request, Room(threads=1))
        assert (bodies.current(), request.unreader.sock) == (None, sock)


def test_a_goodbye_ends_for_a_client_that_does_not(connect, short):
    client, request = connect()
    bodies.say_goodbye(request.unreader.sock)
    assert request.unreader.sock.recv(1) == b""  # what gunicorn reads next does not wait
    assert client.recv(1) == b""
