"""Large uploads and downloads through Mayfly, each beside the same bytes to and from S3 alone, in turn.

tests/stack/with .venv/bin/python bench/transfer.py                  about 90 s
tests/stack/with .venv/bin/python bench/transfer.py --size 1024      the size that the table names, about 4 minutes

1. An upload by the API, four parts at once, from begin to complete, against the same multipart upload by presigned URLs
   alone. It ends with CompleteMultipartUpload too, because S3 has no object before.
2. `curl -T` through nginx and web against `curl -T` of the same file to a presigned URL of S3.
3. The download link, which redirects, against a presigned URL. Both by curl, to /dev/null.

The processor time and the memory of web come from its container's own accounting. A probe of its health every few
seconds is included.
"""

import argparse
import os
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.config import Config
from containers import Account, names
from figures import Row, in_turn, ratios, record, spread

MB, MiB = 10**6, 1 << 20
PART = 8 * MiB
AT_ONCE = 4  # as the page and the command line send
STREAM = 95 * MB  # below the 100 MB that a form and `curl -T` may have
BUCKET = "mayfly"
SECONDS = 300  # for one transfer at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="of the upload by the API and of the download, in MiB")
    parser.add_argument("--pairs", type=int, default=5, choices=range(1, 21), metavar="1-20")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mayfly-bench-") as work:
        way = Ways(Path(work))
        parts(way, given.size * MiB, given.pairs)
        stream(way, given.pairs)
        download(way, given.size * MiB, given.pairs)


def parts(way: "Ways", size: int, pairs: int) -> None:
    measured = in_turn(lambda: way.by_api(size), lambda: way.by_urls(size), pairs)
    processor, memory = median(way.processor), median(way.memory)
    found = ratios([(theirs, ours) for ours, theirs in measured])
    record(
        Row(
            place="1",
            what=f"upload of {size // MiB} MiB by the API, {AT_ONCE} parts at once",
            against="the same multipart upload by presigned URLs alone (ratio of speeds)",
            figure=f"{spread(found)}; web {processor * 1000:.0f} ms, {memory:+.1f} MB",
            reach=">= 0.95; < 300 ms; < 5 MB",
            met=median(found) >= 0.95 and processor < 0.3 and memory < 5,
        )
    )


def stream(way: "Ways", pairs: int) -> None:
    way.forget()
    measured = in_turn(way.by_curl, way.by_one_put, pairs)
    processor, memory = median(way.processor), max(way.memory)
    found = ratios([(theirs, ours) for ours, theirs in measured])
    speed = median(STREAM / ours / MB for ours, _ in measured)
    record(
        Row(
            place="2",
            what=f"`curl -T` of {STREAM // MB} MB through web",
            against="one PUT to S3 (ratio of speeds)",
            figure=f"{spread(found)}; {speed:.0f} MB/s, web {processor * 1000:.0f} ms, {memory:+.0f} MB",
            reach=">= 0.7; < 32 MB",
            met=median(found) >= 0.7 and memory < 32,
        )
    )


def download(way: "Ways", size: int, pairs: int) -> None:
    upload = way.begun(size)
    way.sent(upload, size)
    key = f"uploads/{upload['id']}"
    signed = way.s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key})
    measured = in_turn(lambda: fetched(upload["download"]), lambda: fetched(signed), pairs)
    way.delete(upload["id"])
    found = ratios([(theirs, ours) for ours, theirs in measured])
    record(
        Row(
            place="3",
            what=f"download of {size // MiB} MiB by its link",
            against="GET from S3 (ratio of speeds)",
            figure=f"{spread(found)}; {median(size / ours / MB for ours, _ in measured):.0f} MB/s",
            reach=">= 0.97",
            met=median(found) >= 0.97,
        )
    )


class Ways:
    """The ways by which bytes go. Each gives seconds, and notes what web took of the processor and of the memory."""

    def __init__(self, work: Path):
        self.s3 = boto3.client(
            "s3",
            endpoint_url=os.environ["S3_URL"],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106  (LocalStack's)
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, read_timeout=SECONDS),
        )
        self._web = Account(*names("web"))
        self._api = httpx.Client(base_url=os.environ["MAYFLY_URL"], timeout=60)
        self._block = os.urandom(PART)
        self._file = work / "film.bin"
        self._file.write_bytes(os.urandom(STREAM))
        first = self.begun(1)
        self._token = first["box"]
        self._api.headers["Authorization"] = f"Bearer {self._token}"
        self.delete(first["id"])
        self.forget()

    def forget(self) -> None:
        self.processor: list[float] = []
        self.memory: list[float] = []

    def by_api(self, size: int) -> float:
        began = time.perf_counter()
        with self._web.used() as used:
            upload = self.begun(size)
            self.sent(upload, size)
        took = time.perf_counter() - began
        self.processor.append(used.seconds)
        self.memory.append(used.megabytes)
        self.delete(upload["id"])
        return took

    def by_urls(self, size: int) -> float:
        place = {"Bucket": BUCKET, "Key": "bench/alone"}
        began = time.perf_counter()
        place["UploadId"] = self.s3.create_multipart_upload(**place)["UploadId"]
        took = time.perf_counter() - began
        count = -(-size // PART)
        urls = [  # signed beforehand, because botocore takes its time
            self.s3.generate_presigned_url("upload_part", place | {"PartNumber": number + 1}) for number in range(count)
        ]
        began = time.perf_counter()
        tags = self._put(urls, size)
        whole = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        self.s3.complete_multipart_upload(**place, MultipartUpload={"Parts": whole})
        took += time.perf_counter() - began
        self.s3.delete_object(Bucket=BUCKET, Key=place["Key"])
        return took

    def by_curl(self) -> float:
        address = f"{os.environ['MAYFLY_URL']}/film.bin"
        with self._web.used() as used:
            took, said = curl("-T", str(self._file), "-H", f"X-Box-Token: {self._token}", address)
        self.processor.append(used.seconds)
        self.memory.append(used.megabytes)
        self.delete(said.strip().rstrip("/").rpartition("/")[2])
        return took

    def by_one_put(self) -> float:
        place = {"Bucket": BUCKET, "Key": "bench/alone"}
        took, _ = curl("-T", str(self._file), self.s3.generate_presigned_url("put_object", place))
        self.s3.delete_object(**place)
        return took

    def begun(self, size: int) -> dict:
        wish = {"kind": "file", "name": "film.bin", "size": size}
        return self._api.post("/api/uploads", json=wish).raise_for_status().json()

    def sent(self, upload: dict, size: int) -> None:
        """Send all parts, and complete the upload."""
        path = f"/api/uploads/{upload['id']}"
        urls = [part["url"] for part in upload["transfer"]["first"]]
        rest = list(range(len(urls) + 1, upload["transfer"]["parts"] + 1))
        if rest:
            signed = self._api.post(f"{path}/parts", json={"numbers": rest}).raise_for_status().json()
            urls += [part["url"] for part in signed["parts"]]
        self._put(urls, size)
        self._api.post(f"{path}/complete").raise_for_status()

    def delete(self, upload: str) -> None:
        self._api.delete(f"/api/uploads/{upload}").raise_for_status()

    def _put(self, urls: list[str], size: int) -> list[str]:
        """PUT a part to each URL, AT_ONCE at a time, over as many connections. Returns the ETags."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            lanes = [pool.submit(self._lane, urls, size, first) for first in range(min(AT_ONCE, len(urls)))]
        tags = {number: tag for lane in lanes for number, tag in lane.result().items()}
        return [tags[number] for number in sorted(tags)]

    def _lane(self, urls: list[str], size: int, first: int) -> dict[int, str]:
        server = urlsplit(urls[0])
        connection = HTTPConnection(server.netloc, timeout=SECONDS)
        tags = {}
        for number in range(first, len(urls), AT_ONCE):
            target = urlsplit(urls[number])
            left = size - number * PART
            body = self._block if left >= PART else self._block[:left]
            connection.request("PUT", f"{target.path}?{target.query}", body)
            answer = connection.getresponse()
            answer.read()
            if answer.status not in (200, 201):
                raise SystemExit(f"storage answers {answer.status}")
            tags[number] = answer.headers["ETag"]
        connection.close()
        return tags


def fetched(url: str) -> float:
    return curl("--location", "--output", "/dev/null", url)[0]


def curl(*arguments: str) -> tuple[float, str]:
    """How long curl takes, and what it writes."""
    began = time.perf_counter()
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
    )
    return time.perf_counter() - began, done.stdout


if __name__ == "__main__":
    main()
