"""A line between a client and a server that can be held up, or cut, after a number of bytes."""

import re
import socket
import threading
from contextlib import suppress

REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE) \S+ HTTP/1\.1\r\n")


class Gate:
    """Listens on `port` and passes bytes on to 127.0.0.1:`target`. Use as a context manager.

    `sent` counts the bytes from clients, `answered` those to them. `hold` lets some of either pass, and then nothing in
    that direction until `open`. `cut` closes every connection that is open. `asked` has the first lines of requests.
    """

    def __init__(self, target: int):
        self.sent, self.hold_after = 0, float("inf")
        self.answered, self.hold_answers_after = 0, float("inf")
        self.asked: list[str] = []
        self.held = threading.Event()
        self._target = target
        self._may_pass = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> "Gate":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._listener.close()
        self.open()
        self.cut()

    def hold(self, *, after: int) -> None:
        """Pass so many bytes of clients more, and no others until `open`."""
        self._may_pass.clear()
        self.held.clear()
        self.hold_after = self.sent + after

    def hold_answers(self, *, after: int) -> None:
        """Pass so many bytes to clients more, and no others until `open`."""
        self._may_pass.clear()
        self.held.clear()
        self.hold_answers_after = self.answered + after

    def open(self) -> None:
        self.hold_after = self.hold_answers_after = float("inf")
        self._may_pass.set()

    def cut(self) -> None:
        with self._lock:
            for sock in self._open:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
            self._open.clear()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._open += [client, server]
                threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, from_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if self._is_held(data, from_client):
                    self.held.set()
                    self._may_pass.wait(60)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _is_held(self, data: bytes, from_client: bool) -> bool:
        """Count these bytes. Says whether they have to wait."""
        with self._lock:
            if not from_client:
                self.answered += len(data)
                return self.answered > self.hold_answers_after
            if request := REQUEST.match(data):
                self.asked.append(request[0].decode().rpartition(" ")[0])
            self.sent += len(data)
            return self.sent > self.hold_after
