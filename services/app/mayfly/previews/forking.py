"""Fork a decoder for each document, as a program of its own: forking.py SOCKET PROGRAM...

Python with libvips takes as long to load as a usual photograph to draw. So this process loads both once, and then waits
for orders. For each it forks, and the fork runs one of the programs as `python PROGRAM` would, with nothing of this
process but its memory. That holds no secret and no document, because this process never reads one.

An order is a line of JSON on the socket, [PROGRAM, ARGUMENT...], with two descriptors: the standard input and output of
the program. The answer is how the program ended, as a number; a negative one is a signal. This process ends when the
socket is closed. `running.py` is at its other end; nothing of ours is imported here.
"""

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType

# On other systems, libraries must not be used in a fork. There, this process becomes the program itself, and the next
# document gets another.
CAN_FORK = sys.platform.startswith("linux")
# An order is shorter than that; it has two descriptors.
MOST_BYTES, DESCRIPTORS = 4096, 2
# This process never has as many open.
MOST_OPEN = 256


def main() -> int:
    control = socket.socket(fileno=int(sys.argv[1]))
    programs = {path: compile(Path(path).read_bytes(), path, "exec") for path in sys.argv[2:]}
    for number in (signal.SIGTERM, signal.SIGINT):  # a decoder at work finishes when a worker is told to end
        signal.signal(number, signal.SIG_IGN)
    load()
    while True:
        order, descriptors, *_ = socket.recv_fds(control, MOST_BYTES, DESCRIPTORS)
        if not order:
            return 0
        path, *arguments = json.loads(order)
        child = os.fork() if CAN_FORK else 0
        if child == 0:
            become(programs[path], path, arguments, descriptors)
            return 0
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        control.send(b"%d" % os.waitstatus_to_exitcode(status))


def load() -> None:
    """Load what the programs import."""
    import codecs  # noqa: F401
    import contextlib  # noqa: F401
    import ctypes  # noqa: F401
    import errno  # noqa: F401
    import fcntl  # noqa: F401
    import importlib.machinery  # noqa: F401
    import re  # noqa: F401
    import resource  # noqa: F401
    import struct  # noqa: F401
    import typing  # noqa: F401

    with suppress(ImportError):  # the programs that need it end with this error themselves
        import pyvips  # noqa: F401

    gc.freeze()  # the collector would write to each object, and a fork would then have a copy of it


def become(code: CodeType, path: str, arguments: Sequence[str], descriptors: Sequence[int]) -> None:
    """Run the program in this process, with its own input and output, and no other open descriptor."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(3, MOST_OPEN)
    sys.argv = [path, *arguments]
    exec(code, {"__name__": "__main__", "__file__": path})  # noqa: S102  # compiled from our own file


if __name__ == "__main__":
    sys.exit(main())
