"""Measure what more containers give: one web and one worker, then three and four, on the same machine.

tests/stack/with .venv/bin/python bench/scale_out.py [--web 1 3] [--worker 1 4] [--seconds 8]

Measured are pages a second, uploads of 1 KB a second, the time for a backlog of removals and for one of previews, the
connections to Postgres and Redis, and how nginx spreads the requests. On one machine the processor is shared, so this
shows what breaks or waits, and not what more machines would give. About two and a half minutes.
"""

import argparse
import http.client
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import redis
from containers import compose, memory, names, processor, said
from replay import LONG, Stack
from visitors import Sent

CLIENTS = 16
BACKLOG = 3000
IMAGES = 48
DUE = """
    INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size,
        transfer_id, lifetime, expires_at, completed_at, refusal)
    SELECT substr(md5(n::text || clock_timestamp()), 1, 22), 'backlog', '', 'file', 'ready', 'x', '', '', 1, 1, '',
        '1s', now(), now(), ''
    FROM generate_series(1, %s) AS n
"""


class Connections(threading.Thread):
    """Counts the connections to Postgres and Redis, and keeps the most."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.postgres = self.redis = 0

    def run(self) -> None:
        cursor, broker = connected(), redis.Redis.from_url(os.environ["BROKER"])
        while True:
            # One for each name of a client in the network of the stack; those of this machine are the bench's.
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND client_addr NOT IN"
                " (SELECT client_addr FROM pg_stat_activity WHERE pid = pg_backend_pid())"
            )
            self.postgres = max(self.postgres, cursor.fetchone()[0])
            self.redis = max(self.redis, len(broker.client_list()) - 1)
            time.sleep(0.2)


def connected() -> Any:
    connection = psycopg2.connect(os.environ["STACK_DATABASE_URL"])
    connection.autocommit = True
    return connection.cursor()


def a_second(call: Callable[[], Callable[[], None]], clients: int, seconds: float) -> float:
    """How often a second so many clients get `call` done, each one after the other. Each makes its own call."""
    counts = []

    def client() -> None:
        once, count, end = call(), 0, time.monotonic() + seconds
        while time.monotonic() < end:
            once()
            count += 1
        counts.append(count)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) < clients:
        raise SystemExit("a client has failed")
    return sum(counts) / seconds


def pages(stack: Stack) -> Callable[[], None]:
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["HTTP_PORT"]), timeout=60)

    def once() -> None:
        connection.request("GET", "/images/", headers={"Host": "localhost", "Cookie": f"box={stack.token}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"/images/ answers {answer.status}")

    return once


def uploads(stack: Stack) -> Callable[[], None]:
    def once() -> None:
        begun = stack.begin(Sent(0, False, 1024, 0, LONG))
        stack.put(begun)
        stack.complete(begun)

    return once


def removals(cursor: Any) -> float:
    """Seconds until a backlog is gone, from the sweep's point of view: from when all of it was due."""
    cursor.execute(DUE, [BACKLOG])
    return until(cursor, "SELECT count(*) FROM uploads_upload WHERE box = 'backlog' AND state <> 'gone'")


def previews(stack: Stack, cursor: Any) -> float:
    """Seconds until all of some images that arrive together have previews."""
    begun = [stack.begin(Sent(0, True, 1e5, 2, LONG)) for _ in range(IMAGES)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(stack.put, begun))
        began = time.monotonic()
        list(pool.map(stack.complete, begun))
    until(cursor, "SELECT count(*) FROM uploads_upload WHERE state = 'ready' AND preview_due_at IS NOT NULL")
    return time.monotonic() - began


def until(cursor: Any, query: str) -> float:
    began = time.monotonic()
    while time.monotonic() < began + 120:
        cursor.execute(query)
        if not cursor.fetchone()[0]:
            return time.monotonic() - began
        time.sleep(0.1)
    raise SystemExit(f"not after two minutes: {query}")


def requests() -> dict[str, int]:
    """How many requests for the page each web has logged."""
    return {name: said("docker", "logs", name).count("GET /images/ 200") for name in names("web")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--web", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--worker", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--seconds", type=float, default=8)
    given = parser.parse_args()
    stack, cursor = Stack(), connected()
    stack.visitor_with_images()
    for web, worker in zip(given.web, given.worker, strict=True):
        began = time.monotonic()
        compose("up", "--no-build", "--detach", "--wait", "--scale", f"web={web}", "--scale", f"worker={worker}")
        print(f"{web} web, {worker} workers: healthy after {time.monotonic() - began:.0f} s", flush=True)
        time.sleep(3)  # nginx looks the names up every two seconds
        connections = Connections()
        connections.start()
        used, before = processor("web"), requests()
        rate = a_second(lambda: pages(stack), CLIENTS, given.seconds)
        each = (processor("web") - used) / (rate * given.seconds) * 1000
        counts = [count - before[name] for name, count in requests().items()]
        spread = ", ".join(f"{count / sum(counts):.0%}" for count in counts)
        print(f"  pages: {rate:.0f} a second, {each:.1f} ms of processor in web; spread: {spread}", flush=True)
        again, rate = stack.waited, a_second(lambda: uploads(stack), 8, given.seconds)
        print(f"  uploads of 1 KB: {rate:.1f} a second, {stack.waited - again} completions came again", flush=True)
        print(f"  {BACKLOG} removals in {removals(cursor):.1f} s", flush=True)
        print(f"  {IMAGES} previews in {previews(stack, cursor):.1f} s", flush=True)
        print(f"  connections: Postgres {connections.postgres}, Redis {connections.redis} at most")
        for service in ("web", "worker"):
            print(f"  memory of {service}: {', '.join(f'{used:.0f} MB' for used in memory(service))}", flush=True)


if __name__ == "__main__":
    main()
