"""gunicorn with our hooks: slow and unread bodies, and what their clients read.

It has one process of three threads, as on a small dyno, so that one body at a time may keep a thread waiting.
"""

import json
import os
import re
import socket
from contextlib import suppress
from http.client import HTTPResponse

import httpx
import pytest

from ..support.served import served
from ..support.trickle import BEGINNINGS, LENGTH, head

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def port(tmp_path_factory, static_root):
    place = tmp_path_factory.mktemp("web")
    with served(place, statics=static_root, WEB_THREADS="3", MAX_FORM_MB="1", IMPATIENT="yes") as port:
        yield port


class Sender:
    """A connection over which a request is written by hand."""

    def __init__(self, port: int):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)

    def send(self, content: bytes) -> "Sender":
        self.sock.sendall(content)
        return self

    def answer(self) -> tuple[HTTPResponse, str]:
        response = HTTPResponse(self.sock)
        response.begin()
        return response, response.read().decode()

    def is_closed(self) -> bool:
        return self.sock.recv(1) == b""


@pytest.fixture
def connect(port):
    """A function that makes a Sender."""
    senders = []

    def make() -> Sender:
        senders.append(Sender(port))
        return senders[-1]

    yield make
    for sender in senders:
        sender.sock.close()


def begun(kind: str, *, language: str = "en", **options) -> bytes:
    first, rest = head(kind, "localhost", **options).split(b"\r\n", 1)
    return first + f"\r\nAccept-Language: {language}\r\n".encode() + rest + BEGINNINGS[kind]


WORDS = {
    "en": ("arrived too slowly", "Too many uploads"),
    "pt-br": ("chegaram devagar demais", "Muitos envios"),
    "es": ("llegaron demasiado despacio", "llegan demasiados"),
}


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_slow_body_is_cut_off_in_words(connect, kind, language):
    """Case 62."""
    sender = connect().send(begun(kind, language=language))
    response, text = sender.answer()
    assert (response.status, response.headers["Connection"]) == (408, "close")
    _is_in_its_form(kind, response, text)
    assert WORDS[language][0] in text
    assert sender.is_closed()


def test_a_slow_form_to_the_bare_address_is_cut_off_in_a_line(connect):
    """Case 62: `curl -F` shows no pages."""
    response, text = connect().send(begun("form").replace(b"POST /files/", b"POST /")).answer()
    assert (response.status, response.headers["Connection"]) == (408, "close")
    _is_in_its_form("put", response, text)


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("kind", BEGINNINGS)
def test_a_body_that_finds_no_room_is_refused_in_words(connect, kind, language):
    """Case 62."""
    first = connect().send(begun("put"))
    second = connect().send(begun(kind, language=language))
    response, text = second.answer()
    if response.status == 408:  # it was the first to wait
        response, text = first.answer()
        kind, language = "put", "en"
    assert (response.status, response.headers["Connection"]) == (503, "close")
    assert response.headers["Retry-After"] == "5"
    _is_in_its_form(kind, response, text)
    assert WORDS[language][1] in text


def _is_in_its_form(kind: str, response: HTTPResponse, text: str) -> None:
    sort = {"json": "application/json", "put": "text/plain; charset=utf-8", "form": "text/html; charset=utf-8"}[kind]
    assert response.headers["Content-Type"] == sort
    if kind == "json":
        assert json.loads(text)["error"]["code"] in ("too_slow", "busy")
    elif kind == "put":
        assert text.count("\n") == 1
    else:
        assert re.search(r'<p class="status">(408|503)</p>', text)


def test_pages_and_whole_bodies_are_answered_while_slow_bodies_wait(connect, port):
    """Case 62."""
    slow = [connect().send(begun(kind)) for kind in [*BEGINNINGS] * 4]
    base = f"http://127.0.0.1:{port}"
    for number in range(5):
        assert httpx.get(f"{base}/images/").status_code == 200
        begun_here = httpx.post(f"{base}/api/uploads", json={"kind": "file", "name": str(number), "size": 1})
        assert begun_here.status_code == 201
    assert {sender.answer()[0].status for sender in slow} == {408, 503}


def test_a_slow_body_makes_no_row_and_no_transfer(connect, port):
    """Case 62. Web reads something of a body before it makes a place for it."""
    response, _ = connect().send(begun("put")).answer()
    assert response.status == 408
    token = httpx.put(f"http://127.0.0.1:{port}/a.txt", content=b"a").headers["X-Box-Token"]
    listed = httpx.get(f"http://127.0.0.1:{port}/api/uploads", headers={"Authorization": f"Bearer {token}"})
    assert [upload["name"] for upload in listed.json()["uploads"]] == ["a.txt"]


def test_an_unread_body_is_not_waited_for(connect, port):
    """Case 62. gunicorn would hold a thread for 5 s for each."""
    senders = [connect().send(head("put", "localhost", length=10**12) + b"x") for _ in range(12)]
    for sender in senders:
        response, _ = sender.answer()
        assert (response.status, response.headers["Connection"]) == (413, "close")
        assert sender.is_closed()


CHUNKED = b"PUT /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"3\r\nab", 408),  # it stops in the middle
        (b"3\r\nabc\r\n", 408),  # it does not end
        (b"3\r\nabcdef", 400),
        (b"x\r\nabc", 400),
        (b"3\r\nabc\r\n0\r\nbad trailer\r\n\r\n", 400),
        (b"2\r\nab\r\n" * 300_000 + b"0\r\n\r\n", 408),  # framing, for the most part
        (b"200000\r\n" + bytes(2**21) + b"\r\n0\r\n\r\n", 413),
    ],
)
def test_a_chunked_body_that_does_not_arrive_leaves_nothing(connect, port, body, status):
    """Cases 62 and 106."""
    token = httpx.put(f"http://127.0.0.1:{port}/first", content=b"x").headers["X-Box-Token"]
    head = CHUNKED.replace(b"Host", b"X-Box-Token: " + token.encode() + b"\r\nHost")
    sender = connect()
    with suppress(ConnectionError):  # it is answered before it has been sent
        sender.send(head + body)
    response, text = sender.answer()
    assert (response.status, response.headers["Connection"], text.count("\n")) == (status, "close", 1)
    assert sender.is_closed()
    headers = {"Authorization": f"Bearer {token}"}
    assert len(httpx.get(f"http://127.0.0.1:{port}/api/uploads", headers=headers).json()["uploads"]) == 1


def test_chunked_bodies_arrive_one_after_the_other(connect):
    """Case 106: the end of one is found, and with it the beginning of the next request."""
    sender = connect()
    for body in (b"5\r\nhello\r\n0\r\n\r\n", b"1;x=y\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n") * 2:
        response, text = sender.send(CHUNKED + body).answer()
        assert (response.status, response.headers["Connection"]) == (201, "keep-alive"), text


def test_a_connection_is_kept_after_whole_bodies_read_or_not(connect):
    """Each request is sent in one piece: web does not wait for the rest of a body that it does not want."""
    sender = connect()
    for method, path, status in (("PUT", "/a.txt", 201), ("POST", "/nothing/here", 404), ("PUT", "/b.txt", 201)):
        sender.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello".encode())
        response, _ = sender.answer()
        assert (response.status, response.headers["Connection"]) == (status, "keep-alive")


def test_a_client_that_asks_first_is_told_to_continue(connect):
    """As `curl -T` does with a megabyte or more."""
    content = os.urandom(1_000_000)
    request = (
        f"PUT /a.bin HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\nExpect: 100-continue\r\n\r\n"
    )
    sender = connect().send(request.encode())
    assert sender.sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    response, text = sender.send(content).answer()
    assert response.status == 201
    assert (
        httpx.get(
            f"{text.strip()}download".replace("localhost", f"localhost:{sender.sock.getpeername()[1]}"),
            follow_redirects=False,
        ).status_code
        == 302
    )


def test_a_client_that_leaves_gets_no_error_into_the_log(connect):
    """The fixture looks at the log."""
    for kind in BEGINNINGS:
        connect().send(begun(kind, length=LENGTH)).sock.close()
