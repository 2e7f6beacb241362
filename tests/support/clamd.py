"""clamd with one made signature: the real one where it is installed, or a server that speaks its protocol."""

import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .ports import free_port
from .waiting import until

SIGNATURE = b"MAYFLY-MADE-SIGNATURE-7f3a91"
MOST = 1_000_000  # bytes of a stream, for both
KINDS = ["spoken", *(["real"] if shutil.which("clamd") else [])]


@contextmanager
def clamd(kind: str, folder: Path) -> Iterator[str]:
    """Run one of KINDS, and give its address."""
    with _real(folder) if kind == "real" else _spoken() as url:
        yield url


@contextmanager
def _real(folder: Path) -> Iterator[str]:
    port = free_port()
    (folder / "made.ndb").write_text(f"Mayfly.Made:0:*:{SIGNATURE.hex()}\n")
    lines = [f"DatabaseDirectory {folder}", f"TCPSocket {port}", "TCPAddr 127.0.0.1", "Foreground yes"]
    (folder / "clamd.conf").write_text("\n".join([*lines, f"StreamMaxLength {MOST}", "AlertExceedsMax yes", ""]))
    process = subprocess.Popen(
        ["clamd", "-c", folder / "clamd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _listens(port))
        yield f"tcp://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def _spoken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as stream, suppress(OSError):
                connection.sendall(_verdict(stream) + b"\0")


def _verdict(stream) -> bytes:
    assert stream.read(10) == b"zINSTREAM\0"
    content = b""
    while size := struct.unpack("!L", stream.read(4))[0]:
        content += stream.read(size)
        if len(content) > MOST:
            return b"INSTREAM size limit exceeded. ERROR"
    return b"stream: Mayfly.Made.UNOFFICIAL FOUND" if SIGNATURE in content else b"stream: OK"


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
