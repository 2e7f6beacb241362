"""The bodies of requests: how long each may keep a thread waiting, and how many may do so at the same time.

A thread of gunicorn that reads a body waits for the client. So a client that sends a byte now and then could hold a
thread for as long as it likes, and a few dozen such clients could hold all of them. The hooks of gunicorn call
`opened` and `closed` around each request. In between, a `Line` replaces the socket from which gunicorn reads the body.
"""

import select
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

# Seconds for which any body may keep a thread waiting. Routers give up on an answer after 30 s.
PATIENCE = 10.0
# A body that is streamed into storage earns one more second with each 16 KiB. A weak mobile line sends more than that.
RATE = 16 * 1024
# Seconds that a body can have in hand. Without an end, a hundred megabytes at once would buy two hours of silence.
MOST = 30.0
# Seconds for which a body may wait in all without a place. A small one arrives with its headers, or right behind them.
MOMENT = 0.02
# Places that one network address may take in each process. If there are two or more, one is left to others.
EACH = 6
# Bytes of a body that the program did not want, which are read so that the connection can be used again.
UNWANTED = 64 * 1024
# Seconds and bytes for which a closing connection is read, because a router that has not seen the answer yet still
# sends. It closes as soon as it has.
GOODBYE = 0.5
GOODBYE_BYTES = 1024 * 1024


class TooSlow(TimeoutError):
    """The body has used up its time."""


class NoRoom(OSError):
    """The body would have to wait, and every place for a waiting body is taken."""


class Room:
    """The places of this process for bodies that keep a thread waiting.

    They are two fewer than its threads, so that pages, probes and bodies that have arrived are always answered.
    """

    def __init__(self, *, threads: int):
        self.places = max(1, threads - 2)
        self.each = min(EACH, max(1, self.places - 1))
        self._taken: Counter[str] = Counter()
        self._one_at_a_time = threading.Lock()

    def enter(self, address: str) -> bool:
        """Take a place for a body from this address; False if there is none, or if the address has its share."""
        with self._one_at_a_time:
            if self._taken.total() >= self.places or self._taken[address] >= self.each:
                return False
            self._taken[address] += 1
            return True

    def leave(self, address: str) -> None:
        with self._one_at_a_time:
            self._taken[address] -= 1
            self._taken += Counter()  # forget addresses without a place


class Body(Protocol):
    """gunicorn's body of a request: the bytes without their framing."""

    def read(self, size: int, /) -> bytes: ...


class Unreader(Protocol):
    """gunicorn's buffer between socket and parser."""

    sock: "socket.socket | Line"


class Request(Protocol):
    """gunicorn's request, as its hooks get it."""

    headers: list[tuple[str, str]]
    unreader: Unreader
    body: Body

    def force_close(self) -> None: ...


class Line:
    """The socket of one request, from which gunicorn reads the body. It waits only as long as the body may take.

    `failure` says why no more was read. `address` and `streamed` are set before the body is read: the client's
    network address, and whether the body goes into storage while it arrives, so that its size adds to its time. `most`
    is the number of bytes after which a body of unknown length counts as too slow: it is mostly framing.
    """

    def __init__(self, sock: socket.socket, *, room: Room, close: Callable[[], None]):
        self.sock, self.address, self.streamed = sock, "", False
        self.failure: type[TooSlow] | type[NoRoom] | None = None
        self.most: int | None = None
        self._received = 0
        self._room, self._close = room, close
        self._left, self._unplaced = PATIENCE, MOMENT
        self._place: str | None = None
        self._over = False
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes. Raises TooSlow, NoRoom, and errors of the socket."""
        if self.failure:
            raise self.failure
        if not self._poll.poll(0):
            self._wait()
        received = self.sock.recv(size)
        self._received += len(received)
        if self.most is not None and self._received > self.most:
            self._fail(TooSlow)
        if self.streamed:
            self._left = min(MOST, self._left + len(received) / RATE)
        return received

    def end(self, body: Body) -> bool:
        """Wait for nothing more, and return whether the body has arrived to its end. If not, close the connection.

        Call it before the answer begins, so that the answer can announce the end of the connection.
        """
        self._over = True
        arrived = self._arrived(body)
        if not arrived:
            self._close()
        if self._place is not None:
            self._room.leave(self._place)
            self._place = None
        return arrived

    def _arrived(self, body: Body) -> bool:
        with suppress(Exception):  # silence, a lost connection, or a chunk that is none
            for _ in range(UNWANTED // 1024):
                if not body.read(1024):
                    # After chunks that are none, the next request cannot be found.
                    return not getattr(body, "failed", False)
        return False

    def _wait(self) -> None:
        if self._over:
            raise TooSlow
        if self._place is None:
            began = monotonic()
            ready = self._poll.poll(max(0.0, self._unplaced) * 1000)
            self._unplaced -= monotonic() - began
            if ready:
                return
            if not self._room.enter(self.address):
                self._fail(NoRoom)
            self._place = self.address
        began = monotonic()
        if not self._poll.poll(max(0.0, self._left) * 1000):
            self._fail(TooSlow)
        self._left -= monotonic() - began

    def _fail(self, failure: type[TooSlow] | type[NoRoom]) -> None:
        self.failure = failure
        self._close()
        raise failure


def opened(request: Request, room: Room) -> None:
    """Read the request's body over a Line from now on, which `current` returns in this thread."""
    _here.line = None
    sock = request.unreader.sock
    if _has_body(request) and isinstance(sock, socket.socket):
        _here.line = request.unreader.sock = Line(sock, room=room, close=request.force_close)


def current() -> Line | None:
    """The Line of the request that this thread answers; None if it has no body, or if gunicorn does not serve it."""
    return getattr(_here, "line", None)


def closed(request: Request) -> None:
    """The request has been answered: wait for nothing more of its body, and give the socket back to gunicorn.

    gunicorn itself would wait for 5 s for the rest of a body that the program has not read. So an unread body leaves
    the Line where it is, and the connection ends.
    """
    line, _here.line = current(), None
    if line and line.end(request.body):
        request.unreader.sock = line.sock


def say_goodbye(sock: socket.socket) -> None:
    """Let the client read the answer to its end before gunicorn closes the connection, and wait only briefly.

    gunicorn would wait for 2 s for a client that does not close its end, in the one thread that accepts connections.
    """
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        end, poll, received = monotonic() + GOODBYE, select.poll(), 0
        poll.register(sock, select.POLLIN)
        while received < GOODBYE_BYTES and poll.poll(max(0.0, end - monotonic()) * 1000):
            piece = sock.recv(UNWANTED)
            if not piece:
                return
            received += len(piece)
        sock.shutdown(socket.SHUT_RD)


def _has_body(request: Request) -> bool:
    return any(
        name == "TRANSFER-ENCODING" or (name == "CONTENT-LENGTH" and value != "0") for name, value in request.headers
    )


_here = threading.local()
