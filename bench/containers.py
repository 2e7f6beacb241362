"""The containers of a running stack: their processor time and memory, by their own accounting."""

import os
import re
import subprocess

PROJECT = os.environ.get("COMPOSE_PROJECT_NAME", "mayfly")
# Each by the kernel's new and old interface.
PROCESSOR = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage"
MEMORY = "cat /sys/fs/cgroup/memory.current 2>/dev/null || cat /sys/fs/cgroup/memory/memory.usage_in_bytes"


def names(service: str) -> list[str]:
    """The running containers of a service."""
    labels = (f"label=com.docker.compose.{key}" for key in (f"project={PROJECT}", f"service={service}"))
    filters = [part for label in labels for part in ("--filter", label)]
    return said("docker", "ps", *filters, "--format", "{{.Names}}").split()


def processor(service: str) -> float:
    """Seconds of processor time that all containers of a service have taken."""
    total = 0.0
    for name in names(service):
        text = said("docker", "exec", name, "sh", "-c", PROCESSOR)
        used = re.search(r"^usage_usec (\d+)", text, re.MULTILINE)
        total += int(used[1]) / 1e6 if used else int(text) / 1e9
    return total


def memory(service: str) -> list[float]:
    """Megabytes that each container of a service uses."""
    return [int(said("docker", "exec", name, "sh", "-c", MEMORY)) / 1e6 for name in names(service)]


def compose(*arguments: str) -> str:
    """Run `docker compose` for this stack, as tests/stack/with does."""
    return said("docker", "compose", "--env-file", os.environ["ENV_FILE"], *arguments)


def said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
