"""The figures of `make bench`: how they are compared, and the table in which they end.

A program of this folder measures two things in turn with `in_turn`, and hands each row to `record`. `make bench` runs
them all, and then this file prints the rows and puts them into docs/performance.md, with the machine and the date.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"
PAIRS = 5


@dataclass(frozen=True)
class Row:
    """A row of the table. `place` orders the rows: "4", "4b"."""

    place: str
    what: str
    against: str
    figure: str
    reach: str = ""
    met: bool | None = None


def record(row: Row) -> None:
    """Print a row, and keep it for the table if `make bench` runs."""
    print(f"[{row.place}] {row.what}: {row.figure}, against {row.against}; reach {row.reach or 'none'}", flush=True)
    if rows := os.environ.get("BENCH_ROWS"):
        with open(rows, "a") as file:
            file.write(json.dumps(asdict(row)) + "\n")


def in_turn(ours: Callable[[], float], theirs: Callable[[], float], pairs: int = PAIRS) -> list[tuple[float, float]]:
    """Measure both `pairs` times, in an order that alternates, so that a busy machine slows both alike."""
    measured = []
    for number in range(pairs):
        if number % 2:
            other = theirs()
            measured.append((ours(), other))
        else:
            measured.append((ours(), theirs()))
    return measured


def ratios(measured: list[tuple[float, float]]) -> list[float]:
    """Each pair's first figure by its second."""
    return [ours / theirs for ours, theirs in measured]


def spread(values: list[float]) -> str:
    """The median, and the least and the greatest beside it."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def table(rows: list[Row]) -> str:
    lines = ["| # | what | against | figure | reach | |", "|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: (int("".join(c for c in row.place if c.isdigit())), row.place)):
        met = {True: "met", False: "**missed**", None: ""}[row.met]
        lines.append(f"| {row.place} | {row.what} | {row.against} | {row.figure} | {row.reach} | {met} |")
    return "\n".join(lines)


def machine() -> str:
    """One paragraph: when, at which commit, on which machine and with which versions this was measured."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in _read("/proc/cpuinfo").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"Python {platform.python_version()}", *(_version(name) for name in ("Django", "gunicorn", "celery"))]
    commit = _said("git", "rev-parse", "--short", "HEAD")
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} at {commit}, on {os.cpu_count()} cores of {processor} with"
        f" {memory:.0f} GiB. Versions: Linux {platform.release()}, {', '.join(versions)},"
        f" Docker {_said('docker', 'version', '-f', '{{.Server.Version}}')}."
    )


def write(rows: list[Row]) -> None:
    """Put the table in the place of the last one in docs/performance.md."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{machine()}\n\n{table(rows)}\n\n{END}{after}")


def _version(package: str) -> str:
    from importlib.metadata import version

    return f"{package} {version(package)}"


def _said(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def main() -> None:
    rows = [Row(**json.loads(line)) for line in Path(sys.argv[1]).read_text().splitlines()]
    print(table(rows))
    write(rows)


if __name__ == "__main__":
    main()
