"""Measure My Images and a share page among ever more uploads of others, each against itself among a thousand.

    tests/stack/with .venv/bin/python bench/many_rows.py [--rows 1000 100000 1000000]

As in pages.py, gunicorn runs here and the database is one of its own in the stack's Postgres. A page is asked for over
one connection, so its time has web's part and Postgres's. It is taken in turn with that of a view that answers a
constant, and their ratio is compared, because a machine does not stay as busy as it is. About a minute.
"""

import argparse
import os
import time
from statistics import median

import pages
from database import add_rows, execute
from figures import Row, in_turn, ratios, record

from mayfly.uploads.models import Upload

REQUESTS = 200
LEFT = 12 * 3600  # seconds until the last of the others expires


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 100_000, 1_000_000])
    counts = parser.parse_args().rows
    if "STACK_DATABASE_URL" not in os.environ:
        raise SystemExit("this needs a stack's Postgres: tests/stack/with .venv/bin/python bench/many_rows.py")
    browser = pages.prepared()
    upload = Upload.objects.live().first()
    addresses = {"My Images": "/images/", "a share page": f"/u/{upload.pk}/"}
    costs: dict[str, list[float]] = {name: [] for name in addresses}
    filled = 0
    with pages.gunicorn() as gunicorn:
        answer = pages.asking(gunicorn, browser)

        def seconds(path: str) -> float:
            began = time.perf_counter()
            for _ in range(REQUESTS):
                answer(path)
            return time.perf_counter() - began

        for count in counts:
            began = time.monotonic()
            add_rows("others", count, first=filled + 1, left=LEFT)
            execute("VACUUM ANALYZE uploads_upload")
            filled = count
            print(f"{count:>9,} uploads of others, made in {time.monotonic() - began:.1f} s")
            for name, path in addresses.items():
                seconds(path)  # fills the caches
                measured = in_turn(lambda path=path: seconds(path), lambda: seconds("/constant"))
                costs[name].append(median(ratios(measured)))
                milliseconds = median(page for page, _ in measured) / REQUESTS * 1000
                print(f"  {name}: {milliseconds:.2f} ms, {costs[name][-1]:.2f} x a constant view", flush=True)
    grown = {name: [cost / measured[0] for cost in measured[1:]] for name, measured in costs.items()}
    shown = "; ".join(f"{name} " + ", ".join(f"{one:.2f}" for one in by) for name, by in grown.items())
    what = "pages among " + ", ".join(f"{count:,}" for count in counts[1:]) + " uploads of others"
    is_met = all(one <= 1.2 for by in grown.values() for one in by)
    record(Row("10a", what, f"the same among {counts[0]:,}", shown, "≤ 1.2", is_met))


if __name__ == "__main__":
    main()
