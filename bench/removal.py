"""Compare the sweep of due uploads with DeleteObjects alone, with a task for each upload, and with itself as more live.

tests/stack/with .venv/bin/python bench/removal.py [--uploads 100000] [--live 1000 100000 1000000]

7: in the stack's bucket, the sweep of 1,000 due uploads in turn with DeleteObjects of as many objects in one batch, by
the same client. 7b, 7c and 10: a bucket that counts the calls and answers 20 ms late (bucket.py), with rows that are
real, and as many objects as rows live beside the due ones. A task for each upload, as the earlier versions had it,
fetches the row, deletes the object by one request, and deletes the row. They slept in a worker process until then,
which is not counted here. About two minutes, most of it for a million rows.
"""

import argparse
import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import Any

from bucket import Bucket, names
from database import add_rows, execute, set_up, storage_at
from figures import Row, in_turn, ratios, record, spread

BATCH = 1000
TASKS = 100
LAG = 20  # milliseconds, as S3 is away from another data centre


def sweep_all(storage: Any) -> float:
    """Sweep until nothing is due and nothing is being removed. Returns the seconds."""
    from mayfly.uploads import lifecycle
    from mayfly.uploads.models import Upload

    began = time.perf_counter()
    for _ in range(1000):
        lifecycle.sweep(storage=storage)
        if not Upload.objects.removing().exists() and not Upload.objects.due().exists():
            return time.perf_counter() - began
    raise SystemExit("the sweeps never come to an end")


# the stack's bucket


def beside_batches(storage: Any, pairs: int) -> None:
    """Row 7: the sweep in turn with DeleteObjects alone."""
    client = storage.client
    client.create_bucket(Bucket="bench")
    labels = (f"due-{number}-" for number in count())

    def put() -> str:
        label = next(labels)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda pk: client.put_object(Bucket="bench", Key=f"uploads/{pk}"), names(label, BATCH)))
        return label

    def swept() -> float:
        add_rows(put(), BATCH, left=-1)
        return BATCH / sweep_all(storage)

    def batched() -> float:
        batch = [{"Key": f"uploads/{pk}"} for pk in names(put(), BATCH)]
        began = time.perf_counter()
        client.delete_objects(Bucket="bench", Delete={"Objects": batch, "Quiet": True})
        return BATCH / (time.perf_counter() - began)

    measured = in_turn(swept, batched, pairs)
    if client.list_objects_v2(Bucket="bench")["KeyCount"]:
        raise SystemExit("objects are left")
    ratio = ratios(measured)
    ours, theirs = (round(median(speeds)) for speeds in zip(*measured, strict=True))
    record(
        Row(
            "7",
            f"sweep of {BATCH:,} due uploads in the stack's bucket, objects a second",
            "DeleteObjects in batches alone, without row and proof",
            f"{spread(ratio)}; {ours:,} to {theirs:,}",
            "≥ 0.5",
            median(ratio) >= 0.5,
        )
    )


# the bucket that counts


@dataclass(frozen=True)
class Cost:
    """The cost of a sweep for each due upload: seconds, calls and processor time."""

    seconds: float
    calls: float
    processor: float


def among_live(storage: Any, bucket: Bucket, live: int, due: int) -> Cost:
    execute("VACUUM ANALYZE uploads_upload")
    label = f"due-{live}-"
    add_rows(label, due, left=-1)
    bucket.fill(live=live, lag=LAG, label=label, due=due)
    processor = time.process_time()
    seconds = sweep_all(storage)
    processor = time.process_time() - processor
    asked = bucket.asked()
    execute("DELETE FROM uploads_upload WHERE state = 'gone'")
    print(
        f"{live:>9,} live: {due:,} in {seconds:.1f} s, {1e6 * processor / due:.0f} µs of the processor an object,"
        f" {asked.total() / due:.3f} calls an object {dict(asked)}, {peak():.0f} MB at most",
        flush=True,
    )
    return Cost(seconds / due, asked.total() / due, processor / due)


def peak() -> float:
    """The greatest memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def one_by_one(storage: Any, bucket: Bucket) -> float:
    """Seconds an upload by a task for each, as the earlier versions had it, in one process."""
    from mayfly.uploads.models import Upload

    add_rows("task", TASKS, left=-1)
    bucket.fill(live=1000, lag=LAG, label="task", due=TASKS)
    began = time.perf_counter()
    for pk in names("task", TASKS):
        upload = Upload.objects.get(pk=pk)
        storage.client.delete_object(Bucket="bench", Key=upload.key)
        execute("DELETE FROM uploads_upload WHERE id = %s", [upload.pk])
    return (time.perf_counter() - began) / TASKS


def counted(storage: Any, bucket: Bucket, lives: list[int], due: int) -> None:
    """Rows 7b, 7c and 10: a task for each upload, and the sweep among ever more live uploads."""
    bucket.fill(live=0, lag=LAG)
    alone = peak()
    filled, costs, tasks = 0, [], 0.0
    for live in lives:
        add_rows("live", live, first=filled + 1, left=12 * 3600)
        filled = live
        tasks = tasks or one_by_one(storage, bucket)
        costs.append(among_live(storage, bucket, live, due))
    first, last = costs[0], costs[-1]
    what = f"sweep of {due:,} due uploads, S3 {LAG} ms away"
    speeds = f"{1 / first.seconds:,.0f} to {1 / tasks:,.0f} objects a second"
    gain = tasks / first.seconds
    record(Row("7b", what, "a task for each upload", f"{gain:.0f} x; {speeds}", "≥ 50 x", gain >= 50))
    flat = first.seconds / last.seconds
    record(
        Row(
            "7c",
            f"{what}, among {lives[-1]:,} live",
            f"among {lives[0]:,}",
            f"{flat:.2f}; {1 / last.seconds:,.0f} to {1 / first.seconds:,.0f} objects a second; {last.calls:.3f} to"
            f" {first.calls:.3f} calls an object; {peak() - alone:.0f} MB",
            "0.8 to 1.2",
            0.8 <= flat <= 1.2,
        )
    )
    growth = [cost.processor / first.processor for cost in costs[1:]]
    told = ", ".join(f"{live:,}: {ratio:.2f}" for live, ratio in zip(lives[1:], growth, strict=True))
    record(Row("10", "sweep, processor an object", f"among {lives[0]:,}", told, "≤ 1.2 x", max(growth) <= 1.2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=20_000, help="due at once, in the bucket that counts")
    parser.add_argument("--live", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--pairs", type=int, default=5)
    chosen = parser.parse_args()
    set_up()
    beside_batches(storage_at(os.environ["S3_URL"]), chosen.pairs)
    bucket = Bucket()
    try:
        counted(storage_at(bucket.url), bucket, chosen.live, chosen.uploads)
    finally:
        bucket.end()


if __name__ == "__main__":
    main()
