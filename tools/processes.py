"""How the tools call processes: one at a time, quiet ones, and with an end by Ctrl-C."""

import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Argument = str | Path


def call(main: Callable[[], object]) -> None:
    """Run a tool. After Ctrl-C it ends with the status that shells expect, and without a traceback."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def one_at_a_time(file: str) -> Iterator[None]:
    """Hold the lock of an existing file during the block; a second process waits for it."""
    with open(file) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def output(*command: Argument) -> subprocess.CompletedProcess[str]:
    """Run a command and keep everything it says."""
    return subprocess.run(command, capture_output=True, text=True)


def succeeds(*command: Argument) -> bool:
    """Whether a command succeeds. It shows nothing."""
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
