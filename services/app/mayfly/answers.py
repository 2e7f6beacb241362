"""Long answers: how long the client of each may keep a thread waiting.

A thread of gunicorn that sends an answer waits for its client, for as long as that takes. A client that reads a byte
now and then could hold one all day. `bodies` has the same for requests.
"""

import errno
import logging
import select
import socket
from collections.abc import Callable, Generator, Iterator
from time import monotonic

logger = logging.getLogger(__name__)

# Seconds for which the client may take nothing at first. Routers give up after 55 s of silence.
PATIENCE = 20.0
# An answer earns one more second with so many bytes: half a megabit a second, which a weak mobile line takes.
RATE = 64 * 1024
# Seconds that an answer can have in hand, so that a fast beginning buys no long silence.
MOST = 30.0


class Paced:
    """An answer whose client takes it at RATE or loses the connection. `done` is called once, at its end.

    `sock` is gunicorn's socket of the request. Another server has none to offer, and then nothing is measured.
    """

    def __init__(self, chunks: Generator[bytes], *, sock: socket.socket | None, done: Callable[[], None]):
        self._chunks, self._sock, self._done = chunks, sock, done
        self._left = PATIENCE

    def __iter__(self) -> Iterator[bytes]:
        """The chunks. An error among them breaks the connection, so that no client takes a part for the whole."""
        while True:
            try:
                chunk = next(self._chunks, None)
            except Exception as error:
                raise _broken(repr(error)) from error
            if chunk is None:
                return
            began = monotonic()
            self._wait()
            yield chunk
            self._left = min(MOST, self._left - (monotonic() - began) + len(chunk) / RATE)
            if self._left <= 0:
                raise _broken("its client is too slow")

    def close(self) -> None:
        """Give back what it holds, also if it was not sent to its end, and the socket to gunicorn as it was."""
        done, self._done = self._done, _nothing
        try:
            self._chunks.close()
            if self._sock is not None and self._sock.fileno() >= 0:
                self._sock.settimeout(None)
        finally:
            done()

    def _wait(self) -> None:
        """Wait until the socket takes bytes, and let gunicorn, which then sends the chunk, wait no longer either."""
        if self._sock is None:
            return
        poll = select.poll()
        poll.register(self._sock, select.POLLOUT)
        if not poll.poll(self._left * 1000):
            raise _broken("its client is too slow")
        self._sock.settimeout(self._left)


def _broken(why: str) -> ConnectionResetError:
    """The error by which gunicorn closes a connection without a word: the client sees that bytes are missing."""
    logger.warning("an answer ends before its time: %s", why)
    return ConnectionResetError(errno.ECONNRESET, why)


def _nothing() -> None:
    """In place of what was done already."""
