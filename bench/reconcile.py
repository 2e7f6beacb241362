"""Measure a round of reconcile at a thousand, a hundred thousand and a million uploads: time, memory, requests.

The rows are real: in SQLite, or in the database of `--database`, whose table of uploads it empties. The bucket is a
stand-in that makes a page of its listing when it is asked for one, and answers at once, so the time is our own and the
database's. Each size runs in a process of its own, and the memory is that process's peak. `--folder` measures real
files instead; a million take a minute to make. About two minutes on two cores.
"""

import argparse
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from figures import Row, record

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000, 100_000, 1_000_000)
# One row in so many has lost its object, so that both passes of a round are measured.
LOST = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", action="store_true", help="measure real files in a folder")
    parser.add_argument("--database", default="", help="the URL of a database to empty and fill")
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size is not None:
        fill(options.size, options.folder) if options.fill else measure(options.size, options.folder)
        return
    print("uploads    count, s  remove, s  processor, s  slices  longest, s  lists  heads  queries  memory, MB")
    costs: dict[int, float] = {}
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="mayfly-bench-") as work:
            for more in (["--fill"], []):
                arguments = [sys.executable, __file__, "--size", str(size), *more, *["--folder"] * options.folder]
                ended = subprocess.run(
                    arguments, check=True, env=environment(work, options.database), stdout=subprocess.PIPE, text=True
                )
                print(ended.stdout, end="", flush=True)
            costs[size] = float(ended.stdout.split()[3]) / size
    least = costs.pop(min(costs))
    growth = {size: cost / least for size, cost in sorted(costs.items())}
    if growth:
        told = ", ".join(f"{size:,}: {ratio:.2f}" for size, ratio in growth.items())
        figure = f"{told}; {1e6 * min(costs.values()):.0f} µs a row"
        met = max(growth.values()) <= 1.2
        record(Row("10b", "reconcile, processor a row", f"at {min(options.sizes):,}", figure, "≤ 1.2 x", met))


def environment(work: str, database: str) -> dict[str, str]:
    """The environment of a measuring process. Nothing comes from a developer's own, whose uploads would be lost."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "PYTHONPATH": f"{ROOT}/services/app:{ROOT}",
        "SECRET_KEY": "only-for-figures-" + "x" * 40,
        "DATA_DIR": work,
        "DATABASE_URL": database,
        "SETTINGS_MODULE_PATH": "mayfly.settings.development",
        "DJANGO_SETTINGS_MODULE": "mayfly.settings.development",
    }


def fill(size: int, folder: bool) -> None:
    """Make the table, its rows, and the files."""
    import django

    django.setup()
    from django.core.files.storage import default_storage
    from django.core.management import call_command
    from django.db import connection

    from mayfly.storage.keys import upload_key
    from mayfly.uploads.models import Upload
    from mayfly.uploads.periodic import Round
    from tests.support import paged

    call_command("migrate", verbosity=0)
    Round.objects.all().delete()
    Upload.objects.all()._raw_delete(connection.alias)
    paged.fill(size)
    if folder:
        default_storage.prepare()
        Path(default_storage.path("uploads")).mkdir()
        for number in range(size):
            if number % LOST:
                Path(default_storage.path(upload_key(paged.id_of(number)))).touch()


def measure(size: int, folder: bool) -> None:
    """Take a round to its end, and print its figures."""
    import django

    django.setup()
    from django.core.files.storage import default_storage
    from django.db import connection

    from mayfly.uploads import reconcile
    from mayfly.uploads.choices import Phase
    from mayfly.uploads.periodic import Heartbeat
    from tests.support.paged import PagedStorage

    storage = default_storage if folder else PagedStorage(size, lost=range(0, size, LOST))
    asked = {} if folder else storage.asked
    queries = 0

    def count(execute, *arguments):
        nonlocal queries
        queries += 1
        return execute(*arguments)

    Heartbeat.ages()
    logging.disable()  # a line for each lost upload
    before, processor = peak(), time.process_time()
    spent: dict[str, list[float]] = {Phase.COUNTING: [], Phase.REMOVING: []}
    phase, current = Phase.COUNTING, None
    with connection.execute_wrapper(count):
        while current is None or not current.is_over:
            began = time.perf_counter()
            current = reconcile.go_on(storage=storage, every=timedelta(0))
            spent[phase].append(time.perf_counter() - began)
            phase = current.phase
    processor = time.process_time() - processor
    lost = -(-size // LOST)
    if (current.rows_compared, current.rows_removed) != (size, lost):
        raise SystemExit(f"not the round that was prepared: {current}")
    slices = spent[Phase.COUNTING] + spent[Phase.REMOVING]
    print(
        f"{size:<9,}  {sum(spent[Phase.COUNTING]):>8.2f}  {sum(spent[Phase.REMOVING]):>9.2f}  {processor:>12.4f}"
        f"  {len(slices):>6}"
        f"  {max(slices):>10.1f}  {asked.get('list', 0):>5}  {asked.get('head', 0):>5}  {queries:>7}"
        f"  {peak():>6.0f} ({before:.0f})"
    )


def peak() -> float:
    """The greatest memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
