"""Connections to storage that Ctrl-C has to end."""

import socket
import threading

import httpx

from mayfly_cli.lines import Lines


def test_a_cut_ends_a_part_that_storage_does_not_take():
    lines, connected, ended = Lines(), threading.Event(), threading.Event()

    def noticed(event: str, info: dict) -> None:
        lines.noticed(event, info)
        if event == "http11.send_request_headers.complete":
            connected.set()

    def put(port: int) -> None:
        with httpx.Client(timeout=600) as http:
            try:
                http.put(f"http://127.0.0.1:{port}/", content=bytes(64 << 20), extensions={"trace": noticed})
            except httpx.TransportError:
                ended.set()

    with socket.create_server(("127.0.0.1", 0)) as silent:  # it never reads
        thread = threading.Thread(target=put, args=[silent.getsockname()[1]])
        thread.start()
        assert connected.wait(60)
        lines.cut()
        thread.join(60)
        assert ended.is_set()


def test_closed_connections_are_forgotten():
    lines = Lines()
    for _ in range(100):
        ours, theirs = socket.socketpair()
        lines.noticed("connection.connect_tcp.complete", {"return_value": Stream(ours)})
        ours.close()
        theirs.close()
    assert len(lines._sockets) == 1


class Stream:
    """The stream of a new connection, as httpx gives it."""

    def __init__(self, of: socket.socket):
        self._of = of

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self._of
