"""Compare "Download all as ZIP" with a tar of the same objects, and `mayfly send` with `rclone copy`.

tests/stack/with .venv/bin/python bench/zip.py                 one bundle of 200 MiB, about 80 s
tests/stack/with .venv/bin/python bench/zip.py --bundles 5     1,000 files of 1 MiB: a bundle has 200 at most

Web makes the ZIP while it reads each file from storage. The tar is made here, of the same objects by their signed URLs,
over one connection to storage. Both come through nginx and are thrown away. The ratio is one of speeds: 1 means that
web costs nothing. `rclone` sends into the same bucket. It comes from services/requirements/rclone.txt, and has no links
and no checks of what arrived.
"""

import argparse
import http.client
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx
from figures import ROOT, Row, in_turn, ratios, record, spread

MB = 1 << 20
FILES = 200  # of a bundle, at most
JOBS = 4  # what both commands send at the same time
SECONDS = 300  # for one transfer at most
RCLONE = [ROOT / ".venv/bin/rclone", "--config", "", "--quiet"]
SITE = os.environ["MAYFLY_URL"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", type=int, default=1, help=f"of {FILES} files each")
    parser.add_argument("--size", type=int, default=MB, help="of each file, in bytes")
    parser.add_argument("--large", type=int, default=256, help="size of the one file that is sent, in MiB")
    given = parser.parse_args()
    compare_zip(given.bundles, given.size)
    compare_sending(given.large)


def compare_zip(count: int, size: int) -> None:
    with httpx.Client(base_url=SITE, timeout=60) as client:
        bundles = [Bundle(client, size) for _ in range(count)]
        bundles[0].check()
        pairs = in_turn(lambda: sum(each.zip() for each in bundles), lambda: sum(each.tar() for each in bundles))
        for bundle in bundles:
            client.delete(f"/api/bundles/{bundle.id}").raise_for_status()
    speeds = [1 / ratio for ratio in ratios(pairs)]
    mib = count * FILES * size / MB
    record(
        Row(
            place="14a",
            what=f"ZIP of {mib:.0f} MiB in {count * FILES} files, {FILES} to a link",
            against="tar of the same objects, over one connection to storage",
            figure=f"{spread(speeds)}; {mib / median(ours for ours, _ in pairs):.0f} MiB/s",
            reach="≥ 0.6",
            met=median(speeds) >= 0.6,
        )
    )


class Bundle:
    """FILES files under one link, and the two ways to have them all. Each gives its seconds."""

    def __init__(self, client: httpx.Client, size: int):
        self._client, self._size = client, size
        self._buffer = bytearray(MB)
        begun = client.post("/api/bundles", json={"lifetime": 3600}).raise_for_status().json()
        if begun["box"]:
            client.headers["Authorization"] = f"Bearer {begun['box']}"
        self.id = begun["id"]
        with ThreadPoolExecutor(JOBS) as pool:
            self._uploads = list(pool.map(self._send, range(FILES)))
        self._address = client.post(f"/api/bundles/{self.id}/complete").raise_for_status().json()["zip"]

    def check(self) -> None:
        """Fetch the ZIP once and look whether it is whole."""
        with tempfile.NamedTemporaryFile() as file:
            with self._client.stream("GET", self._address) as answer:
                for piece in answer.iter_raw(MB):
                    file.write(piece)
            file.flush()
            with zipfile.ZipFile(file.name) as archive:
                if archive.testzip() or len(archive.namelist()) != FILES:
                    sys.exit("the ZIP is not whole")

    def zip(self) -> float:
        began = time.perf_counter()
        connection = _connection(self._address)
        received = self._fetch(connection, self._address)
        if received < FILES * self._size:
            sys.exit(f"the ZIP ends after {received} bytes")
        return time.perf_counter() - began

    def tar(self) -> float:
        """Headers, bodies and padding as tar has them. The URLs are signed before, because they live for a minute."""
        signed = [self._client.get(f"/u/{upload}/download").headers["Location"] for upload in self._uploads]
        began = time.perf_counter()
        connection = _connection(signed[0])
        for upload, url in zip(self._uploads, signed, strict=True):
            info = tarfile.TarInfo(upload)
            info.size = self._fetch(connection, url)
            info.tobuf()
            if info.size != self._size:
                sys.exit(f"an object has {info.size} bytes")
        return time.perf_counter() - began

    def _fetch(self, connection: http.client.HTTPConnection, url: str) -> int:
        """Read the answer to its end; returns the number of its bytes."""
        parts = urlsplit(url)
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        if answer.status != 200:
            sys.exit(f"{parts.path} gets {answer.status}")
        received = 0
        while count := answer.readinto(self._buffer):
            received += count
        return received

    def _send(self, number: int) -> str:
        fields = {"kind": "file", "name": f"{number}.bin", "size": self._size, "bundle": self.id}
        begun = self._client.post("/api/uploads", json=fields).raise_for_status().json()
        [part] = begun["transfer"]["first"]
        httpx.put(part["url"], content=os.urandom(self._size), headers=part["headers"], timeout=60).raise_for_status()
        self._client.post(f"/api/uploads/{begun['id']}/complete").raise_for_status()
        return begun["id"]


def compare_sending(large: int) -> None:
    if not RCLONE[0].exists():
        sys.exit("There is no rclone: run python3 bin/venv services/requirements/rclone.txt")
    with tempfile.TemporaryDirectory(prefix="mayfly-bench-") as work:
        for what, count, size in ((f"one file of {large} MiB", 1, large * MB), ("100 files of 10 KB", 100, 10_000)):
            folder = Path(work) / "files"
            folder.mkdir()
            for number in range(count):
                (folder / f"{number}.bin").write_bytes(os.urandom(size))
            senders = Senders(folder)
            senders.mayfly()  # fills the caches of both
            senders.rclone()
            pairs = in_turn(senders.mayfly, senders.rclone)
            ours, theirs = (median(times) for times in zip(*pairs, strict=True))
            record(
                Row(
                    place="14c",
                    what=f"`mayfly send` of {what}",
                    against="`rclone copy` into the same bucket",
                    figure=f"{spread([1 / ratio for ratio in ratios(pairs)])}; {ours:.1f} s and {theirs:.1f} s",
                )
            )
            shutil.rmtree(folder)


class Senders:
    """Two commands that send all files of a folder. Each gives its seconds, and leaves nothing."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent)}
        begun = httpx.post(f"{SITE}/api/uploads", json={"kind": "file", "name": "a", "size": 1}).raise_for_status()
        self._token = begun.json()["box"]

    def mayfly(self) -> float:
        files = sorted(self._folder.iterdir())
        environment = {"PYTHONPATH": str(ROOT / "cli/src"), "MAYFLY_TOKEN": self._token}
        arguments = ["send", *files, "--server", SITE, "--jobs", str(JOBS), "--quiet"]
        took = self._timed([sys.executable, "-m", "mayfly_cli", *arguments], environment)
        httpx.delete(
            f"{SITE}/api/uploads?kind=file", headers={"Authorization": f"Bearer {self._token}"}, timeout=60
        ).raise_for_status()
        return took

    def rclone(self) -> float:
        options = {"type": "s3", "provider": "Other", "endpoint": os.environ["S3_URL"], "force_path_style": "true"}
        options |= {"access_key_id": "test", "secret_access_key": "test", "no_check_bucket": "true"}
        environment = {f"RCLONE_CONFIG_PEER_{name.upper()}": value for name, value in options.items()}
        place = f"peer:mayfly/uploads/{uuid.uuid4().hex}"
        took = self._timed([*RCLONE, "copy", "--transfers", str(JOBS), self._folder, place], environment)
        self._timed([*RCLONE, "purge", place], environment)
        return took

    def _timed(self, command: list, environment: dict[str, str]) -> float:
        began = time.perf_counter()
        subprocess.run(
            command, env=self._environment | environment, check=True, timeout=SECONDS, stdout=subprocess.DEVNULL
        )
        return time.perf_counter() - began


def _connection(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)


if __name__ == "__main__":
    main()
