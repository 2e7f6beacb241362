"""A small upload from begin to ready, beside the three calls of one multipart upload alone, at three distances of S3.

tests/stack/with .venv/bin/python bench/small.py                     about 50 s

A web of its own, one process of gunicorn, uses Postgres, Redis and LocalStack of the stack. Before LocalStack, a relay
counts the calls, and lets each answer wait as a line of 0, 20 or 80 ms would. The client keeps its connections. It
begins, sends the only part by its signed URL, and completes, as the page does. Alone means CreateMultipartUpload,
UploadPart and CompleteMultipartUpload by presigned URLs over the same relay. The processor time is of web's process.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.config import Config
from figures import ROOT, Row, in_turn, ratios, record

sys.path.insert(0, str(ROOT))

from tests.stack.chaos.proxy import operation_of  # noqa: E402
from tests.support.foreign import Asked, Reply, foreign  # noqa: E402
from tests.support.ports import free_port  # noqa: E402
from tests.support.waiting import until  # noqa: E402

SIZES = {"1 KB": 1000, "1 MB": 1_000_000}
LAGS = (0, 20, 80)  # ms
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
BUCKET = "mayfly"
UNLIMITED = {f"RATE_{name}": "0" for name in ("UPLOADS_ADDRESS", "UPLOADS_BOX", "CHANGES")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, choices=range(1, 101), metavar="1-100")
    given = parser.parse_args()
    with ExitStack() as at_end:
        work = Path(at_end.enter_context(tempfile.TemporaryDirectory(prefix="mayfly-bench-")))
        line = Line()
        relay = at_end.enter_context(foreign(os.environ["S3_URL"], line.answer))
        client = Client(at_end.enter_context(web(work, relay)), relay)
        for place, (name, size) in zip(("5", "5b"), SIZES.items(), strict=True):
            row(place, name, measured(client, line, size, given.pairs))


def row(place: str, name: str, found: dict[int, dict[str, float]]) -> None:
    ways = "; ".join(f"{lag} ms: {one['ours']:.0f} ms, {one['ratio']:.2f}" for lag, one in found.items())
    calls = max(one["calls"] for one in found.values())
    processor = found[0]["processor"]
    record(
        Row(
            place=place,
            what=f"upload of {name}, begin to ready, with S3 0, 20 and 80 ms away",
            against="the S3 calls of one multipart upload alone (ratio of times)",
            figure=f"{ways}; {calls:.0f} S3 calls; web {processor:.1f} ms",
            reach="<= 1.5; 4 calls; <= 10 ms",
            met=all(one["ratio"] <= 1.5 for one in found.values()) and calls <= 4 and processor <= 10,
        )
    )


def measured(client: "Client", line: "Line", size: int, pairs: int) -> dict[int, dict[str, float]]:
    """By the lag: the time of an upload and its ratio to the calls alone, its calls, and web's processor time."""
    content, found = os.urandom(size), {}
    client.upload(content)  # opens the connections
    client.alone(content)
    for lag in LAGS:
        line.lag = lag / 1000
        pair = in_turn(lambda: client.upload(content), lambda: client.alone(content), pairs)
        line.calls.clear()
        began = client.processor()
        for _ in range(pairs):
            client.upload(content, delete=False)
        processor = (client.processor() - began) / pairs
        calls = line.calls.total() / pairs
        client.clear()
        found[lag] = {
            "ours": median(ours for ours, _ in pair) * 1000,
            "ratio": median(ratios(pair)),
            "calls": calls,
            "processor": processor * 1000,
        }
        print(f"  {lag} ms: {found[lag]} {dict(line.calls)}", flush=True)
    return found


class Line:
    """The way to S3: each answer takes `lag` seconds more, and is counted under S3's name for the call."""

    def __init__(self) -> None:
        self.lag = 0.0
        self.calls: Counter[str] = Counter()

    def answer(self, asked: Asked, ask: Callable[[], Reply]) -> Reply:
        key = urlsplit(asked.path).path.lstrip("/").partition("/")[2]
        self.calls[operation_of(asked.method, key, asked.query)] += 1
        time.sleep(self.lag)
        return ask()


class Client:
    """A client of web and of S3, which keeps its connections. Gives seconds."""

    def __init__(self, url: str, relay: str):
        self._web, self._http = httpx.Client(base_url=url, timeout=30), httpx.Client(timeout=30)
        self._s3 = boto3.client(
            "s3",
            endpoint_url=relay,
            region_name="us-east-1",
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )
        begun = self._begin(1)
        self._web.headers["Authorization"] = f"Bearer {begun['box']}"
        self._delete(begun["id"])

    def upload(self, content: bytes, *, delete: bool = True) -> float:
        began = time.perf_counter()
        upload = self._begin(len(content))
        [part] = upload["transfer"]["first"]
        etag = self._http.put(part["url"], content=content).raise_for_status().headers["ETag"]
        self._web.post(f"/api/uploads/{upload['id']}/complete", json={"etag": etag}).raise_for_status()
        took = time.perf_counter() - began
        if delete:
            self._delete(upload["id"])
        return took

    def alone(self, content: bytes) -> float:
        """The three calls alone. The signing of their URLs is not counted."""
        place = {"Bucket": BUCKET, "Key": "bench/alone"}
        took = 0.0

        def call(operation: str, method: str, body: bytes, **more: object) -> httpx.Response:
            nonlocal took
            url = self._s3.generate_presigned_url(operation, place | more)
            began = time.perf_counter()
            answer = self._http.request(method, url, content=body).raise_for_status()
            took += time.perf_counter() - began
            return answer

        opened = call("create_multipart_upload", "POST", b"").text
        transfer = re.search("<UploadId>(.*?)</UploadId>", opened)[1]
        etag = call("upload_part", "PUT", content, UploadId=transfer, PartNumber=1).headers["ETag"]
        part = f"<Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
        whole = f"<CompleteMultipartUpload>{part}</CompleteMultipartUpload>".encode()
        call("complete_multipart_upload", "POST", whole, UploadId=transfer)
        return took

    def processor(self) -> float:
        """Seconds of processor time that web's process has taken."""
        return float(self._web.get("/processor").raise_for_status().text)

    def clear(self) -> None:
        self._web.delete("/api/uploads").raise_for_status()

    def _begin(self, size: int) -> dict:
        wish = {"kind": "file", "name": "small.bin", "size": size}
        return self._web.post("/api/uploads", json=wish).raise_for_status().json()

    def _delete(self, upload: str) -> None:
        self._web.delete(f"/api/uploads/{upload}").raise_for_status()


@contextmanager
def web(work: Path, relay: str) -> Iterator[str]:
    """The address of gunicorn, which serves served.py as `services/web/start` serves the program, in one process."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "services/web/gunicorn.conf.py")]
    command += ["--bind", f"127.0.0.1:{port}", "served"]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "services/app"), str(ROOT / "bench")]),
        "SETTINGS_MODULE_PATH": "mayfly.settings.development",
        "SECRET_KEY": os.environ["STACK_SECRET_KEY"],
        "DATA_DIR": str(work),
        "DATABASE_URL": os.environ["STACK_DATABASE_URL"],
        "REDIS_URL": os.environ["BROKER"],
        "USE_S3": "True",
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_S3_ENDPOINT_URL": relay,
        "AWS_S3_PUBLIC_ENDPOINT_URL": relay,
        "WEB_CONCURRENCY": "1",
        "WEB_THREADS": "5",
        **KEYS,
        **UNLIMITED,
    }
    with open(work / "log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until(lambda: answers(port), seconds=30)
        yield f"http://localhost:{port}"
    except BaseException:
        print((work / "log").read_text()[-3000:], flush=True)
        raise
    finally:
        server.terminate()
        server.wait(30)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://localhost:{port}/health/live").status_code == 200
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
