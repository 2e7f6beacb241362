"""Compare `mayfly send` with the same parts sent by presigned URLs alone: one file, in pairs, one after the other.

python bench/command_line.py                          web on SQLite and a folder, which this starts
tests/stack/with .venv/bin/python bench/command_line.py   the stack, with the parts on S3

The command counts from its start to its end: Python's start, begin, parts and complete. The parts alone are sent by
curl, as many at a time, from files of their own, by URLs that were signed before. Then comes complete, in which some
storages join the parts for seconds, so there are two ratios: to the parts alone, and to parts and complete. They are
ratios of speeds, and 1 means that the command costs nothing. Every upload is deleted after its turn.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
from figures import ROOT, Row, record, spread

sys.path.insert(0, str(ROOT))

from tests.support.served import served  # noqa: E402

JOBS = 4  # the command's own default
MB = 1 << 20
SECONDS = 300  # for one transfer at most
PAIRS = range(1, 21)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="of the file, in MiB")
    parser.add_argument("--pairs", type=int, default=5, choices=PAIRS, metavar="1-20")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mayfly-bench-") as work, site(Path(work)) as url:
        pairs = Pairs(url, Path(work), given.size * MB)
        pairs.command()  # fills the caches of both
        pairs.parts_alone()
        to_parts, to_both, joining = [], [], []
        for number in range(given.pairs):
            first, second = (pairs.command, pairs.parts_alone)[:: 1 if number % 2 else -1]
            took = first() | second()
            to_parts.append(took["parts"] / took["command"])
            to_both.append((took["parts"] + took["complete"]) / took["command"])
            joining.append(took["complete"])
            print(
                f"command {took['command']:6.2f} s   parts {took['parts']:6.2f} s   complete {took['complete']:5.2f} s"
                f"   ratio to parts {to_parts[-1]:.2f}, to parts and complete {to_both[-1]:.2f}",
                flush=True,
            )
    record(
        Row(
            place="14b",
            what=f"the command line sends {given.size} MiB, from Python's start to ready",
            against="its presigned parts and the complete, in which storage joins them; the parts alone (ratios)",
            figure=f"{spread(to_both)}; {spread(to_parts)} to the parts alone: storage joins {median(joining):.1f} s",
            reach=">= 0.9",
            met=median(to_both) >= 0.9,
        )
    )


@contextmanager
def site(work: Path) -> Iterator[str]:
    """The stack that tests/stack/with has started, or web on a folder."""
    if url := os.environ.get("MAYFLY_URL"):
        yield url
        return
    unlimited = {f"RATE_{name}": "0" for name in ("UPLOADS_ADDRESS", "UPLOADS_BOX", "DOWNLOADS")}
    with served(work, WEB_CONCURRENCY="2", WEB_THREADS="16", **unlimited) as port:
        yield f"http://127.0.0.1:{port}"


class Pairs:
    """One file, and the two ways by which it goes. Each gives the seconds that its steps took."""

    def __init__(self, url: str, work: Path, size: int):
        self._url, self._work, self._size = url, work, size
        self._file = work / "film.bin"
        with open(self._file, "wb") as out:
            for _ in range(size // MB):
                out.write(os.urandom(MB))
        self._http = httpx.Client(base_url=url, timeout=60)
        begun = self._begin()
        self._http.headers["Authorization"] = f"Bearer {begun['box']}"
        self._http.delete(f"/api/uploads/{begun['id']}").raise_for_status()
        self._pieces = self._cut(begun["transfer"]["part_size"])

    def command(self) -> dict[str, float]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._work),
            "PYTHONPATH": str(ROOT / "cli/src"),
            "MAYFLY_TOKEN": self._http.headers["Authorization"].removeprefix("Bearer "),
        }
        arguments = ["send", self._file, "--server", self._url, "--jobs", str(JOBS), "--quiet"]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "mayfly_cli", *arguments],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
        )
        took = time.perf_counter() - began
        self._delete(done.stdout.strip().rstrip("/").rsplit("/", 1)[1])
        return {"command": took}

    def parts_alone(self) -> dict[str, float]:
        upload = self._begin()["id"]
        numbers = list(range(1, len(self._pieces) + 1))
        signed = self._http.post(f"/api/uploads/{upload}/parts", json={"numbers": numbers}).raise_for_status().json()
        wanted = self._work / "parts"
        wanted.write_text(
            "".join(
                f'upload-file = "{piece}"\nurl = "{part["url"]}"\noutput = "/dev/null"\n'
                for piece, part in zip(self._pieces, signed["parts"], strict=True)
            )
        )
        parallel = ["--parallel", "--parallel-max", str(JOBS), "--fail", "--no-progress-meter"]
        began = time.perf_counter()
        subprocess.run(["curl", *parallel, "--config", wanted], check=True, timeout=SECONDS)
        sent = time.perf_counter()
        self._http.post(f"/api/uploads/{upload}/complete", json={}).raise_for_status()
        took = {"parts": sent - began, "complete": time.perf_counter() - sent}
        self._delete(upload)
        return took

    def _begin(self) -> dict:
        fields = {"kind": "file", "name": self._file.name, "size": self._size}
        return self._http.post("/api/uploads", json=fields).raise_for_status().json()

    def _delete(self, upload: str) -> None:
        self._http.delete(f"/api/uploads/{upload}").raise_for_status()

    def _cut(self, part_size: int) -> list[Path]:
        """The parts of the file as files, which is how curl takes them."""
        pieces = []
        with open(self._file, "rb") as whole:
            while piece := whole.read(part_size):
                pieces.append(self._work / f"part-{len(pieces) + 1}")
                pieces[-1].write_bytes(piece)
        return pieces


if __name__ == "__main__":
    main()
