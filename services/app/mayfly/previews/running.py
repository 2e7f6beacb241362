"""Run a decoder on a document, in a process of its own that `forking.py` forks."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO

from . import walls

FORKING = Path(__file__).with_name("forking.py")
# The decoder's whole environment. It must not inherit ours, which holds passwords.
ENVIRONMENT = {
    "VIPS_BLOCK_UNTRUSTED": "1",  # loaders that libvips's authors would not let strangers near
    "VIPS_CONCURRENCY": "1",  # two threads gain a tenth of the time, and take memory
    "MALLOC_ARENA_MAX": "1",  # so that memory given back is used again
}
# All forks of a process have the same addresses, so an image could try what an earlier one has learned of them. After
# so many documents they are new ones; a hundredth of the cost of a start for each is little.
DOCUMENTS = 100
# A process that has closed its socket ends by itself within this time.
END_SECONDS = 5


class Forking:
    """A process that forks decoders, and the way to it."""

    def __init__(self, programs: Sequence[Path]):
        self.programs = list(programs)
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", FORKING, str(theirs.fileno()), *programs],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=ENVIRONMENT,
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # and so a process group with its forks, which `kill` ends
            )
        self._left = DOCUMENTS

    @property
    def is_usable(self) -> bool:
        """Whether it takes another document."""
        return self._left > 0 and self._process.poll() is None

    def begin(self, program: Path, arguments: Sequence[str], output: IO[bytes]) -> IO[bytes]:
        """Start this program, which writes to `output`. Returns the pipe to its standard input."""
        self._left -= 1
        theirs, ours = os.pipe()
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # it has ended, and `wait` says how
                order = json.dumps([str(program), *arguments]).encode()
                socket.send_fds(self._control, [order], [theirs, output.fileno()])
        finally:
            os.close(theirs)
        return open(ours, "wb")

    def wait(self) -> int:
        """The exit status of the program; a negative one is a signal. If the process itself has ended, its own."""
        with suppress(ConnectionResetError):
            answer = self._control.recv(16)
            if answer:
                return int(answer)
        return self._process.wait()

    def kill(self) -> None:
        """End the process and its fork, whatever they do."""
        self._left = 0
        if self._process.returncode is None:  # so its number is still its own
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Let the process end."""
        self._left = 0
        self._control.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()


def run(
    program: Path, arguments: Sequence[str], content: Generator[bytes], *, programs: Sequence[Path], seconds: float
) -> tuple[int, bytes]:
    """Run one of these programs on this content, for some seconds at most. Returns how it ended, and its output."""
    with TemporaryFile() as output, closing(content):  # a file, because no thread of ours reads a pipe meanwhile
        forking = _take(programs)
        timer = Timer(seconds, forking.kill)
        timer.start()
        try:
            with suppress(BrokenPipeError), forking.begin(program, arguments, output) as pipe:
                for piece in content:
                    pipe.write(piece)
            status = forking.wait()
        except BaseException:
            forking.kill()
            raise
        finally:
            timer.cancel()
            timer.join()  # it may be about to kill
            _put_back(forking)
        output.seek(0)
        return status, output.read(walls.MOST_OUTPUT)


def close_idle() -> None:
    """Let the process that waits for the next document end."""
    while idle := _idle(os.getpid()):
        idle.pop().close()


def _take(programs: Sequence[Path]) -> Forking:
    with suppress(IndexError):
        forking = _idle(os.getpid()).pop()
        if forking.is_usable and forking.programs == list(programs):
            return forking
        forking.close()
    return Forking(programs)


def _put_back(forking: Forking) -> None:
    """Keep the process for the next document. One is kept, because a worker draws one document at a time."""
    idle = _idle(os.getpid())
    if forking.is_usable and not idle:
        idle.append(forking)
    else:
        forking.close()


@cache
def _idle(process: int) -> list[Forking]:
    """The processes that wait for a document of this process; a fork of it starts its own."""
    return []


atexit.register(close_idle)
