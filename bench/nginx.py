"""Measure the processor time of nginx for a request, and its closed connections, over 20,000 requests of /health/live.

tests/stack/with .venv/bin/python bench/nginx.py [REQUESTS]

A connection to web for each request would fill nginx's ports after some 15,000. The search for a free one would then
take ten times the processor time of a request. So the last requests are compared with the first. 30 s.
"""

import http.client
import os
import re
import sys
import threading

from containers import names, processor, said
from figures import Row, record

THREADS = 8
STEP = 5000  # requests between two lines


def main() -> None:
    costs = []
    for done in range(STEP, int(sys.argv[1] if len(sys.argv) > 1 else 20_000) + 1, STEP):
        before = processor("nginx")
        clients = [threading.Thread(target=ask, args=(STEP // THREADS,)) for _ in range(THREADS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        costs.append((processor("nginx") - before) / STEP * 1000)
        print(f"{done:6d} requests: {costs[-1]:.3f} ms of processor time for each, {time_wait()} in TIME_WAIT")
    grown = costs[-1] / costs[0]
    shown = f"{grown:.2f}; {costs[-1]:.3f} ms; {time_wait()} closed connections"
    record(
        Row(
            "4g", f"nginx, processor of the last {STEP:,} requests", f"the first {STEP:,}", shown, "≤ 1.2", grown <= 1.2
        )
    )


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


def time_wait() -> int:
    """How many closed connections of nginx still hold a port."""
    tables = [said("docker", "exec", name, "cat", "/proc/net/tcp") for name in names("nginx")]
    return sum(len(re.findall(r"^ *\d+: \S+ \S+ 06 ", table, re.MULTILINE)) for table in tables)


if __name__ == "__main__":
    main()
