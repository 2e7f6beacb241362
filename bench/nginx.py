"""Measure the processor time of nginx for a request, and its closed connections, over 50,000 requests of /health/live.

tests/stack/with python bench/nginx.py [REQUESTS]
"""

import http.client
import os
import re
import subprocess
import sys
import threading

THREADS = 8
STEP = 5000  # requests between two lines
NGINX = f"{os.environ['COMPOSE_PROJECT_NAME']}-nginx-1"
# The processor time of all processes of a container, by the kernel's old and new interface.
TIME = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || cat /sys/fs/cgroup/cpu.stat"


def main() -> None:
    for done in range(STEP, int(sys.argv[1] if len(sys.argv) > 1 else 50_000) + 1, STEP):
        before = milliseconds()
        clients = [threading.Thread(target=ask, args=(STEP // THREADS,)) for _ in range(THREADS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        took = (milliseconds() - before) / STEP
        print(f"{done:6d} requests: {took:.3f} ms of processor time for each, {time_wait()} connections in TIME_WAIT")


def ask(count: int) -> None:
    """Send requests one after the other, over one connection to nginx."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["HTTP_PORT"]), timeout=60)
    for _ in range(count):
        connection.request("GET", "/health/live")
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"nginx answers {answer.status}")
    connection.close()


def milliseconds() -> float:
    text = inside("sh", "-c", TIME)
    if found := re.search(r"^usage_usec (\d+)", text, re.MULTILINE):
        return int(found[1]) / 1000
    return int(text) / 1_000_000


def time_wait() -> int:
    return len(re.findall(r"^ *\d+: \S+ \S+ 06 ", inside("cat", "/proc/net/tcp"), re.MULTILINE))


def inside(*command: str) -> str:
    return subprocess.run(["docker", "exec", NGINX, *command], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
