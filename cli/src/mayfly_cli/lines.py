"""The open connections of a client, which end at once when a command is stopped."""

import socket
from contextlib import suppress
from threading import Lock
from typing import Any


class Lines:
    """The connections of a client. `cut` ends the threads that wait for one of them, which closing does not."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._one_at_a_time = Lock()

    def noticed(self, event: str, info: dict[str, Any]) -> None:
        """Take note of a new connection: httpx calls this with each event of a request."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            with self._one_at_a_time:  # and forget those that are closed: a command may wait for hours
                opened = [one for one in self._sockets if one.fileno() >= 0]
                self._sockets = [*opened, info["return_value"].get_extra_info("socket")]

    def cut(self) -> None:
        for one in self._sockets:
            with suppress(OSError):  # closed meanwhile, or replaced by its TLS
                one.shutdown(socket.SHUT_RDWR)
