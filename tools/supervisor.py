"""Several processes in one terminal: started together, their lines named, ended together."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

# Seconds from SIGTERM to SIGKILL. A running task and a running request get 20 and 25 from the processes themselves.
PATIENCE = 28
TURN = 0.2  # seconds between two looks at the processes


class Process:
    """One process, in a group of its own, so that Ctrl-C reaches it through us and only once."""

    def __init__(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]):
        self.name = name
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._pass_on, daemon=True)
        self._reader.start()

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def terminate(self) -> None:
        if not self.has_ended():
            self._process.terminate()

    def kill(self) -> None:
        """End what is left of it and of its children, and pass on what they said last."""
        with contextlib.suppress(OSError):  # none is left, as it should be
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(1)

    def _pass_on(self) -> None:
        assert self._process.stdout  # noqa: S101  (for the type checker: it is a pipe)
        for line in self._process.stdout:
            if line.strip():
                say(self.name, line.decode(errors="replace").rstrip())


def supervise(
    commands: Mapping[str, Sequence[str | Path]],
    environment: Mapping[str, str],
    *,
    ready: Callable[[], bool],
    words: str,
) -> int:
    """Run the commands until a signal comes or one of them ends; say `words` once, when they are `ready`.

    Every process gets SIGTERM and PATIENCE seconds, and then SIGKILL with its children. After a second signal SIGKILL
    comes at once. Returns the exit status: 1 if a process ended by itself.
    """
    stop, hurry = threading.Event(), threading.Event()

    def on_signal(*_: object) -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    processes = [Process(name, command, environment) for name, command in commands.items()]
    said = False
    ended: list[Process] = []
    while not stop.wait(TURN) and not ended:
        if not said and ready():
            said = True
            say("mayfly", words)
        ended = [process for process in processes if process.has_ended()]
    for process in ended:
        say("mayfly", f"{process.name} ended by itself; what it said is above")
    _end(processes, hurry)
    return 1 if ended else 0


def say(name: str, line: str) -> None:
    """Print a line with the name of the process that said it."""
    with contextlib.suppress(OSError):  # if the terminal is gone, everything still has to end
        print(f"{name:<8} | {line}", flush=True)


def _end(processes: Iterable[Process], hurry: threading.Event) -> None:
    """Let every process finish what it does, and leave none behind."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + PATIENCE
    while not all(process.has_ended() for process in processes) and time.monotonic() < deadline:
        if hurry.wait(0.1):
            break
    for process in processes:
        process.kill()
