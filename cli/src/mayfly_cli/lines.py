"""The open connections of a client, which end at once when a command is stopped."""

import socket
from contextlib import suppress
from typing import Any


class Lines:
    """The connections of a client. `cut` ends the threads that wait for one of them, which closing does not."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def noticed(self, event: str, info: dict[str, Any]) -> None:
        """Take note of a new connection: httpx calls this with each event of a request."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._sockets.append(info["return_value"].get_extra_info("socket"))

    def cut(self) -> None:
        for one in self._sockets:
            with suppress(OSError):  # closed already, or replaced by its TLS
                one.shutdown(socket.SHUT_RDWR)
