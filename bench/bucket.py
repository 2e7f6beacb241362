"""A bucket that answers a removal as S3 does, counts the calls, and takes a million objects; a program of its own.

    python bench/bucket.py      prints its port, and serves until it is ended

Its objects are names alone, whose order is real: `live-N`, which stay, and due ones, which a removal takes away.
`Bucket`, at the other end, sets it up and asks what it was asked.
"""

import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from hashlib import md5
from heapq import merge
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from urllib.parse import parse_qs, unquote, urlsplit


def names(label: str, count: int) -> list[str]:
    """The ids with this label; Postgres makes the same by substr(md5(label || n), 1, 22)."""
    return [md5(f"{label}{n}".encode(), usedforsecurity=False).hexdigest()[:22] for n in range(1, count + 1)]


class Bucket:
    """A bucket in a process of its own, as this one sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
        port, _, _ = self._process.stdout.readline().partition("\n")
        self.url = f"http://127.0.0.1:{port}"

    def fill(self, *, live: int, lag: float, label: str = "", due: int = 0) -> None:
        """Let it have so many objects, and answer so many milliseconds late."""
        self._ask(f"fill?live={live}&lag={lag}&label={label}&due={due}")

    def asked(self) -> Counter[str]:
        """The calls since this was last asked."""
        return Counter(self._ask("asked"))

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _ask(self, what: str) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/_bench/{what}") as answer:  # noqa: S310
            found: dict[str, int] = json.load(answer)
            return found


class Objects:
    """The names in the bucket."""

    def __init__(self) -> None:
        self.live: list[str] = []
        self.due: list[str] = []
        self.there: set[str] = set()

    def fill(self, live: int, label: str, due: int) -> None:
        if len(self.live) != live:
            self.live = sorted(names("live", live))
        self.due = sorted(names(label, due))
        self.there = set(self.due)

    def after(self, name: str) -> Iterator[str]:
        live = (self.live[place] for place in range(bisect_right(self.live, name), len(self.live)))
        due = (self.due[place] for place in range(bisect_right(self.due, name), len(self.due)))
        return merge(live, (found for found in due if found in self.there))


class Answers(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True
    objects, calls, lag, lock = Objects(), Counter[str](), 0.0, threading.Lock()

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        gone = re.findall(rb"<Key>uploads/(\w+)</Key>", body)
        with self.lock:
            self.objects.there.difference_update(name.decode() for name in gone)
        self.answer("DeleteObjects", 200, "<DeleteResult/>")

    def do_DELETE(self) -> None:  # noqa: N802
        with self.lock:
            self.objects.there.discard(self.path.rpartition("/")[2].partition("?")[0])
        self.answer("DeleteObject", 204, "")

    def do_GET(self) -> None:  # noqa: N802
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path.startswith("/_bench/"):
            self.serve(url.path.rpartition("/")[2], query)
        elif query.get("list-type"):
            self.answer("ListObjectsV2", 200, self.page(query))
        elif unquote(url.path).count("/") > 1:
            name = url.path.rpartition("/")[2]
            if name in self.objects.there:
                self.answer("GetObject", 206, "x")
            else:
                self.answer("GetObject", 404, "<Error><Code>NoSuchKey</Code><Message>absent</Message></Error>")
        else:
            self.answer("ListMultipartUploads", 200, "<ListMultipartUploadsResult/>")

    def page(self, query: dict[str, str]) -> str:
        """A page of objects; the folder of previews is empty."""
        most = int(query.get("max-keys", "1000"))
        start = query.get("start-after", "").removeprefix("uploads/")
        found = [] if query.get("prefix") == "previews/" else list(islice(self.objects.after(start), most + 1))
        entries = "".join(
            f"<Contents><Key>uploads/{name}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f'<ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>'
            for name in found[:most]
        )
        more = str(len(found) > most).lower()
        return f"<ListBucketResult><IsTruncated>{more}</IsTruncated>{entries}</ListBucketResult>"

    def serve(self, what: str, query: dict[str, str]) -> None:
        with self.lock:
            if what == "fill":
                self.objects.fill(int(query["live"]), query.get("label", ""), int(query["due"]))
                Answers.lag = float(query["lag"]) / 1000
            said = json.dumps(self.calls)
            self.calls.clear()
        self.reply(200, said)

    def answer(self, operation: str, status: int, body: str) -> None:
        with self.lock:
            self.calls[operation] += 1
        time.sleep(self.lag)
        self.reply(status, body)

    def reply(self, status: int, body: str) -> None:
        content = body.encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    server.request_queue_size = 128
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
