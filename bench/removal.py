"""Measure what the removal of 1,000 due uploads costs among ever more live ones, and how workers share a backlog.

    .venv/bin/python bench/removal.py [DATABASE_URL] [--live 1000 30000 1000000] [--lag 20] [--workers 1 2 4]

The rows are real, in a database of this name that is made anew. The bucket is a server beside this process that
answers as S3 does, has as many objects as there are live rows, and counts the calls. With --lag, each answer takes so
many milliseconds more, as it would over a line. Ends with 1 if the time or the calls grow with the live uploads.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, unquote, urlsplit

DUE = 1000
BACKLOG = 4000
NAME = "mayfly_bench_removal"
ROWS = """
    INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size,
        transfer_id, lifetime, expires_at, completed_at, refusal)
    SELECT 'live' || lpad(n::text, 18, '0'), 'box' || n / 100, '', 'file', 'ready', 'x', '', '', 1, 1, '', '1h',
        now() + '12h'::interval - n * '1ms'::interval, now(), ''
    FROM generate_series(%s, %s) AS n
"""
DUE_ROWS = """
    INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size,
        transfer_id, lifetime, expires_at, completed_at, refusal)
    SELECT substr(md5(n::text || %s), 1, 22), 'due', '', 'file', 'ready', 'x', '', '', 1, 1, '', '1s',
        now() - '1s'::interval, now(), ''
    FROM generate_series(1, %s) AS n
"""


# the bucket


class Bucket(BaseHTTPRequestHandler):
    """The answers of S3 to a removal, over a bucket of which only the number of objects is real."""

    protocol_version = "HTTP/1.1"
    calls: Counter[str] = Counter()
    live = 0
    lag = 0.0
    lock = threading.Lock()

    def do_POST(self) -> None:  # noqa: N802
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer("DeleteObjects", 200, "<DeleteResult/>")

    def do_GET(self) -> None:  # noqa: N802
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path.startswith("/_live/"):
            with Bucket.lock:
                Bucket.live, Bucket.lag = int(url.path.split("/")[2]), float(url.path.split("/")[3])
                said = json.dumps(Bucket.calls)
                Bucket.calls.clear()
            self.reply(200, said)
        elif "list-type" in query:
            self.answer("ListObjectsV2", 200, self.page(query.get("continuation-token", ["0"])[0]))
        elif unquote(url.path).count("/") > 1:
            self.answer("GetObject", 404, "<Error><Code>NoSuchKey</Code><Message>absent</Message></Error>")
        else:
            self.answer("ListMultipartUploads", 200, "<ListMultipartUploadsResult/>")

    def do_HEAD(self) -> None:  # noqa: N802
        self.answer("HeadObject", 404, "")

    def page(self, token: str) -> str:
        """A page of the live objects. They sort after every due one, so a listing has to read them all."""
        first = int(token)
        last = min(first + 1000, Bucket.live)
        keys = "".join(
            f"<Contents><Key>uploads/{number:022d}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>e</ETag><Size>1</Size></Contents>"
            for number in range(first, last)
        )
        more = last < Bucket.live
        return (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{keys}"
            f"<NextContinuationToken>{last if more else ''}</NextContinuationToken></ListBucketResult>"
        )

    def answer(self, operation: str, status: int, body: str) -> None:
        with Bucket.lock:
            Bucket.calls[operation] += 1
        time.sleep(Bucket.lag)
        self.reply(status, body)

    def reply(self, status: int, body: str) -> None:
        content = body.encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def serve() -> None:
    """Be the bucket; the first line of the output is its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.daemon_threads = True
    server.request_queue_size = 128
    print(server.server_port, flush=True)
    server.serve_forever()


# the program


def set_up(database: str, port: str) -> None:
    """Set Django up in this process, with this database and that bucket."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "services/app"))
    os.environ |= {
        "SECRET_KEY": "only-for-the-bench" * 3,
        "SETTINGS_MODULE_PATH": "mayfly.settings.development",
        "DATABASE_URL": re.sub("/[^/]*$", f"/{NAME}", database),
        "USE_S3": "True",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_STORAGE_BUCKET_NAME": "bench",
        "AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    import django

    from mayfly import settings as chosen

    chosen.choose()
    django.setup()


def create(database: str) -> None:
    """Make the database anew."""
    import psycopg2

    connection = psycopg2.connect(database)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    cursor.execute(f"CREATE DATABASE {NAME}")
    connection.close()


def execute(query: str, *values: object) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(query, values)


def calls(port: str, *, live: int, lag: float) -> Counter[str]:
    """The calls since this was last asked. From now on the bucket has this size and this lag."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_live/{live}/{lag}") as answer:  # noqa: S310
        return Counter(json.load(answer))


def sweep_all() -> int:
    """Sweep until nothing is due and nothing is being removed. Returns how many sweeps it took."""
    from django.core.files.storage import default_storage

    from mayfly.uploads import lifecycle

    for number in range(1, 100):
        lifecycle.sweep(storage=default_storage)
        if is_clear():
            return number
    raise SystemExit("the sweeps never come to an end")


def is_clear() -> bool:
    """Whether nothing is due and nothing is being removed."""
    from mayfly.uploads.models import Upload

    return not Upload.objects.removing().exists() and not Upload.objects.due().exists()


def among_live(port: str, counts: list[int], lag: float, turns: int) -> bool:
    """Print the cost of a removal for each count of live uploads. Returns whether it stays the same."""
    sweep_all()  # makes the threads and the client
    filled, seconds, requests = 0, [], []
    for live in counts:
        execute(ROWS, filled + 1, live)
        filled = live
        execute("VACUUM ANALYZE uploads_upload")
        taken, processor = [], []
        for turn in range(turns):
            execute(DUE_ROWS, f"{live} {turn}", DUE)
            calls(port, live=live, lag=lag)
            began, used = time.monotonic(), time.process_time()
            sweeps = sweep_all()
            taken.append(time.monotonic() - began)
            processor.append(time.process_time() - used)
            asked = calls(port, live=live, lag=lag)
        seconds.append(min(taken))  # the one that the machine's other work disturbed least
        requests.append(asked.total() / DUE)
        print(
            f"{live:>9,} live: {median(taken):6.2f} s ({min(taken):.2f} to {max(taken):.2f}), {median(processor):.2f} s"
            f" of the processor, {sweeps} sweeps, {requests[-1]:.3f} requests an object: {dict(asked)}",
            flush=True,
        )
    return max(seconds) <= 1.2 * min(seconds) and max(requests) <= 1.1


def by_workers(database: str, port: str, workers: list[int], lag: float) -> None:
    """Print the time that these numbers of processes take for one backlog."""
    for count in workers:
        execute(DUE_ROWS, f"backlog {count}", BACKLOG)
        calls(port, live=0, lag=lag)
        command = [sys.executable, __file__, database, "--worker", port]
        processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        for process in processes:
            process.stdout.readline()  # it is ready
        began = time.monotonic()
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        while not is_clear():
            time.sleep(0.05)
        taken = time.monotonic() - began
        for process in processes:
            process.communicate(timeout=60)
        asked = calls(port, live=0, lag=lag)
        print(f"{count} workers: {BACKLOG} in {taken:.1f} s, {asked.total() / BACKLOG:.3f} requests each", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stack = os.environ.get("STACK_DATABASE_URL")
    parser.add_argument("database", nargs="?", default=stack, help="a Postgres, in which a database is made")
    parser.add_argument("--live", type=int, nargs="*", default=[1000, 30_000, 1_000_000])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--lag", type=float, default=20, help="milliseconds")
    parser.add_argument("--turns", type=int, default=3, help="how often each is measured")
    parser.add_argument("--worker", metavar="PORT", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.worker:
        set_up(chosen.database, chosen.worker)
        print("ready", flush=True)
        sys.stdin.readline()
        sweep_all()
        return
    bucket = subprocess.Popen([sys.executable, __file__, "bucket"], stdout=subprocess.PIPE, text=True)
    try:
        port = bucket.stdout.readline().strip()
        create(chosen.database)
        set_up(chosen.database, port)
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        steady = among_live(port, chosen.live, chosen.lag / 1000, chosen.turns)
        by_workers(chosen.database, port, chosen.workers, chosen.lag / 1000)
    finally:
        bucket.terminate()
    if not steady:
        raise SystemExit("the cost of a removal grows with the uploads that live beside it")


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["bucket"] else main()
