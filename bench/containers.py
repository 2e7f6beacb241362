"""The containers of a running stack on Linux: their processor time and memory, by the kernel's own accounting."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = os.environ.get("COMPOSE_PROJECT_NAME", "mayfly")
CGROUP = Path("/sys/fs/cgroup")
BETWEEN = 0.02  # seconds between two looks at the memory


def names(service: str) -> list[str]:
    """The running containers of a service."""
    labels = (f"label=com.docker.compose.{key}" for key in (f"project={PROJECT}", f"service={service}"))
    filters = [part for label in labels for part in ("--filter", label)]
    return said("docker", "ps", *filters, "--format", "{{.Names}}").split()


def processor(service: str) -> float:
    """Seconds of processor time that all containers of a service have taken."""
    return sum(Account(name).processor() for name in names(service))


def memory(service: str) -> list[float]:
    """Megabytes of the processes of each container of a service."""
    return [Account(name).memory() for name in names(service)]


def compose(*arguments: str) -> str:
    """Run `docker compose` for this stack, as tests/stack/with does."""
    return said("docker", "compose", "--env-file", os.environ["ENV_FILE"], *arguments)


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Account:
    """The kernel's account of one container, by its old or new interface, which costs the container nothing."""

    def __init__(self, name: str):
        process = said("docker", "inspect", "--format", "{{.State.Pid}}", name).strip()
        groups = dict(
            line.split(":", 2)[1:] for line in Path(f"/proc/{process}/cgroup").read_text().splitlines() if ":" in line
        )
        self._old = "memory" in groups
        if self._old:
            processor = next(path for names, path in groups.items() if "cpuacct" in names.split(","))
            self._processor = CGROUP / "cpuacct" / processor.strip("/") / "cpuacct.usage"
            self._memory = CGROUP / "memory" / groups["memory"].strip("/") / "memory.stat"
        else:
            self._processor = CGROUP / groups[""].strip("/") / "cpu.stat"
            self._memory = CGROUP / groups[""].strip("/") / "memory.stat"

    def processor(self) -> float:
        """Seconds of processor time that it has taken so far."""
        text = self._processor.read_text()
        return int(text) / 1e9 if self._old else int(text.split()[1]) / 1e6

    def memory(self) -> float:
        """Megabytes of its processes, without the kernel's cache of files."""
        name = "total_rss" if self._old else "anon"
        return (
            next(int(line.split()[1]) for line in self._memory.read_text().splitlines() if line.startswith(name)) / 1e6
        )

    @contextmanager
    def used(self) -> Iterator["Used"]:
        """The processor time and the growth of the memory during the block. Both are known at its end."""
        used, over = Used(), threading.Event()
        before = most = self.memory()

        def look() -> None:
            nonlocal most
            while not over.wait(BETWEEN):
                most = max(most, self.memory())

        looking = threading.Thread(target=look)
        began = self.processor()
        looking.start()
        try:
            yield used
        finally:
            used.seconds = self.processor() - began
            over.set()
            looking.join()
            used.megabytes = most - before


class Used:
    """Seconds of processor time, and megabytes more than before at the worst moment."""

    seconds = megabytes = 0.0
