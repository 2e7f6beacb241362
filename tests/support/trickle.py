"""Clients who send the bodies of their requests a byte at a time, to hold what the server gives each."""

import selectors
import socket
import ssl
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from urllib.parse import urlsplit

LENGTH = 1_000_000  # bytes that each body claims to have
BOUNDARY = "trickle"
KINDS = {
    "put": ("PUT /slow.bin", ""),
    "json": ("POST /api/uploads", "application/json"),
    "form": ("POST /files/", f"multipart/form-data; boundary={BOUNDARY}"),
}
# Without one, the program refuses a form before it reads its body. Behind TLS it has a prefix.
COOKIE = f"csrftoken={'x' * 32}; __Host-csrftoken={'x' * 32}"
BEGINNINGS = {
    "put": b"",
    "json": b"{",
    "form": f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'.encode(),
}


def head(kind: str, host: str, *, scheme: str = "http", length: int = LENGTH) -> bytes:
    """The request up to its body, as a browser on this site would begin it."""
    line, content_type = KINDS[kind]
    headers = [f"{line} HTTP/1.1", f"Host: {host}", f"Content-Length: {length}", f"Cookie: {COOKIE}"]
    headers.append(f"Origin: {scheme}://{host}")
    if content_type:
        headers.append(f"Content-Type: {content_type}")
    return "\r\n".join([*headers, "", ""]).encode()


@dataclass
class Trickle:
    """So many connections at once, each with one byte every `pause` seconds. Each is replaced `again` s after it ends.

    Use as a context manager; it ends by itself after `seconds`. `answers` counts what came, by status; 0 is a
    connection that was closed without an answer.
    """

    url: str
    kinds: tuple[str, ...] = tuple(KINDS)
    connections: int = 40
    pause: float = 1.0
    again: float = 0.5
    seconds: float = 30.0
    answers: Counter[int] = field(default_factory=Counter)
    held: list[float] = field(default_factory=list)  # seconds from the request to its answer

    def __enter__(self):
        self._over = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(30)

    def _run(self) -> None:
        end, opened = time.monotonic() + self.seconds, 0
        due = [0.0] * self.connections  # when each connection may be made
        with selectors.DefaultSelector() as selector:
            while time.monotonic() < end and not self._over.is_set():
                while due and due[0] <= time.monotonic():
                    due.pop(0)
                    selector.register(*self._open(self.kinds[opened % len(self.kinds)]))
                    opened += 1
                for key, _ in selector.select(0.05):
                    self._hear(key.fileobj, key.data)
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                    due.append(time.monotonic() + self.again)
                for key in list(selector.get_map().values()):
                    self._send(key.fileobj, key.data)
            for key in list(selector.get_map().values()):
                key.fileobj.close()

    def _open(self, kind: str) -> tuple:
        where = urlsplit(self.url)
        sock = socket.create_connection((where.hostname, where.port), timeout=60)
        if where.scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=where.hostname)
        sock.sendall(head(kind, where.netloc, scheme=where.scheme) + BEGINNINGS[kind])
        now = time.monotonic()
        return sock, selectors.EVENT_READ, {"began": now, "sent": now}

    def _hear(self, sock, state: dict) -> None:
        try:
            first = sock.recv(4096).split(b" ")
        except OSError:
            first = []
        self.answers[int(first[1]) if len(first) > 1 else 0] += 1
        self.held.append(time.monotonic() - state["began"])

    def _send(self, sock, state: dict) -> None:
        now = time.monotonic()
        if now - state["sent"] >= self.pause:
            state["sent"] = now
            with suppress(OSError):  # closed by the server; the selector reports it
                sock.sendall(b"x")
