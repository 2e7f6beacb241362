"""A server of S3 that does some things in its own way: a relay before the S3 of the tests, which changes answers."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

OF_ONE_HOP = ("connection", "content-length", "transfer-encoding", "date", "server")


@dataclass
class Asked:
    """A request to the relay. `query` has the subresource as a name, such as `cors`."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))


@dataclass
class Reply:
    """An answer of the relay."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/xml"})


def error(status: int, code: str) -> Reply:
    """An error in the form of S3."""
    return Reply(status, f"<Error><Code>{code}</Code><Message>as this server has it</Message></Error>".encode())


# Gives the answer to a request; calling the second argument asks the S3 of the tests.
Way = Callable[[Asked, Callable[[], Reply]], Reply]


@contextmanager
def foreign(upstream: str, way: Way) -> Iterator[str]:
    """The address of a server that answers in this way, during the block."""
    host = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else the body waits up to 40 ms for the headers to be acknowledged

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            answer = way(asked, lambda: ask(host, asked))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in OF_ONE_HOP:
                    self.send_header(name, value)
            empty = self.command == "HEAD"
            self.send_header(
                "Content-Length", answer.headers.get("Content-Length", "0") if empty else str(len(answer.body))
            )
            self.end_headers()
            self.wfile.write(b"" if empty else answer.body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = relay

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def ask(host: str, asked: Asked) -> Reply:
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request(asked.method, asked.path, body=asked.body or None, headers=asked.headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read(), dict(answer.getheaders()))
    finally:
        connection.close()
