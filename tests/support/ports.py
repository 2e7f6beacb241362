"""Ports of this machine: free ones, and servers there that give no answer."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Linux takes the port of an outgoing connection from 32,768 upwards, so a port there may be lost before it is used.
PORTS = range(23_000, 32_768)


def free_port() -> int:
    """A port that no program has, at any address."""
    while True:
        port = secrets.choice(PORTS)
        with suppress(OSError), socket.create_server(("", port)):
            return port


def free_ports(count: int) -> list[int]:
    """Ports that no program has, each another one."""
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


@contextmanager
def silent_redis() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def closed_redis() -> Iterator[str]:
    """A URL at which no server is."""
    yield f"redis://127.0.0.1:{free_port()}"
