"""A client of clamd, ClamAV's daemon: one command, INSTREAM, over TCP or a socket in the file system (clamd(8)).

The bytes go out in pieces with their length before each, and one line comes back. So neither side needs a file of the
other, and no more than a piece is in memory here.
"""

import re
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from urllib.parse import urlsplit

PORT = 3310
CONNECT_SECONDS = 3
MOST_ANSWER = 4096  # bytes; an answer is one line with the name of a signature


class Unavailable(Exception):
    """clamd does not answer, or its answer is no verdict. The content is neither good nor bad."""


def scan(pieces: Iterable[bytes], *, url: str, seconds: float) -> str:
    """The name of the signature that these bytes match; empty if they match none.

    Raises:
        Unavailable: there is no verdict after so many seconds, or clamd has not read all of the bytes.
    """
    until = monotonic() + seconds
    try:
        with _connected(url) as connection:
            _send(connection, pieces, until)
            answer = _answer(connection, until)
    except OSError as error:
        raise Unavailable(f"clamd: {error!r}") from error
    if found := re.fullmatch(r"stream: (.+) FOUND", answer):
        return found[1]
    if answer != "stream: OK":
        raise Unavailable(f"clamd: {answer or 'no answer'}")
    return ""


def _connected(url: str) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(CONNECT_SECONDS)
        try:
            connection.connect(parts.path)
        except OSError:
            connection.close()
            raise
        return connection
    return socket.create_connection((parts.hostname, parts.port or PORT), timeout=CONNECT_SECONDS)


def _send(connection: socket.socket, pieces: Iterable[bytes], until: float) -> None:
    # Above its limit clamd says so and closes, before it has read all; then its answer is the reason.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(b"zINSTREAM\0")
        for piece in pieces:
            if piece:  # one without bytes would be the end
                _wait_until(connection, until)
                connection.sendall(struct.pack("!L", len(piece)) + piece)
        connection.sendall(struct.pack("!L", 0))


def _answer(connection: socket.socket, until: float) -> str:
    received = b""
    while len(received) < MOST_ANSWER and b"\0" not in received:
        _wait_until(connection, until)
        piece = connection.recv(MOST_ANSWER)
        if not piece:
            break
        received += piece
    return received.partition(b"\0")[0].decode(errors="replace").strip()


def _wait_until(connection: socket.socket, until: float) -> None:
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("no verdict in time")
    connection.settimeout(left)
