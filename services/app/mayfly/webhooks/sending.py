"""One request to an endpoint: signed, to a checked address, within seconds, and with little read of the answer.

An HTTP client would look names up by itself, follow redirects, use proxies of the environment, and wait for each byte
anew. Here it takes a socket.
"""

import base64
import hashlib
import hmac
import re
import socket
import ssl
import time
from functools import cache

from .limits import ANSWER_BYTES, REQUEST_SECONDS
from .targets import NotPublic, Place, Target, places_of

SECRET_PREFIX = "whsec_"  # noqa: S105  # a prefix of secrets; the form of https://www.standardwebhooks.com
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r]")


class Failed(Exception):
    """The endpoint did not answer, or not as HTTP does. `str()` says why, for the log."""


def post(target: Target, *, secret: str, delivery_id: str, body: str) -> int:
    """Send one event and return the status of the answer. Raises Failed after REQUEST_SECONDS at the latest.

    The lookup of the host's name comes on top, because nothing limits its time.
    """
    try:
        places = places_of(target)
    except NotPublic:
        raise Failed("its address is not public") from None
    except (OSError, UnicodeError) as error:
        raise Failed(f"its host is not found: {error}") from error
    until = time.monotonic() + REQUEST_SECONDS
    try:
        with _connected(target, places, until) as sock:
            sock.settimeout(_left(until))
            sock.sendall(_request(target, secret=secret, delivery_id=delivery_id, body=body))
            return _status(sock, until)
    except OSError as error:  # ssl.SSLError is one
        raise Failed(str(error)) from error


def signature(secret: str, *, delivery_id: str, timestamp: str, body: str) -> str:
    """The value of `webhook-signature`: HMAC-SHA256 of id, time and body, by the bytes in the secret."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.digest(key, f"{delivery_id}.{timestamp}.{body}".encode(), hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _request(target: Target, *, secret: str, delivery_id: str, body: str) -> bytes:
    timestamp = str(int(time.time()))
    content = body.encode()
    headers = {
        "Host": target.authority,
        "User-Agent": "Mayfly-Webhook",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Connection": "close",
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, delivery_id=delivery_id, timestamp=timestamp, body=body),
    }
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + content


def _connected(target: Target, places: list[Place], until: float) -> socket.socket:
    """A connection to the first place that accepts one. The certificate is the host's, whatever its address."""
    refused: OSError = OSError("the host has no address")
    for family, place in places:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(_left(until))
            sock.connect(place)
            return _tls().wrap_socket(sock, server_hostname=target.host) if target.tls else sock
        except OSError as error:
            sock.close()
            refused = error
    raise refused


def _status(sock: socket.socket, until: float) -> int:
    received = b""
    while len(received) < ANSWER_BYTES:
        sock.settimeout(_left(until))
        piece = sock.recv(1024)
        received += piece
        status = _status_in(received)
        if status is not None:
            return status
        if not piece:
            break
    raise Failed("its answer is not HTTP")


def _status_in(received: bytes) -> int | None:
    """The status in the first line. Those from 100 on announce another answer, and have headers of their own."""
    while found := _STATUS.match(received):
        if found[1] >= b"200":
            return int(found[1])
        _, _, received = received.partition(b"\r\n\r\n")
    return None


def _left(until: float) -> float:
    """The time left, in seconds. Raises TimeoutError if there is none; 0 would mean not to wait at all."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
