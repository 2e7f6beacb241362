"""How late uploads go if many expire within a minute while others come, in the stack that tests/stack/with starts.

tests/stack/with .venv/bin/python bench/sweep.py [--uploads 10000]

The objects and rows of the due uploads are written here; others are sent through the API meanwhile. The
lateness of a removal is `removed_at` minus `expires_at`, both by the database's clock. A sweep comes every 5 s, so even
one that takes no time is late by up to that. About 80 s.
"""

import argparse
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import psycopg2
from botocore.config import Config
from figures import Row, record
from sending import Sender

BUCKET = "mayfly"
INTERVAL = 5  # seconds between two sweeps
REACH = INTERVAL + 5
WHILE_OTHERS = 0.1  # seconds between two uploads that come meanwhile
LONGEST = 300
ROWS = """
    INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size, transfer_id,
        lifetime, expires_at, completed_at, refusal)
    SELECT id, 'bench', '', 'file', 'ready', 'x', '', '', 1, 1, '', '1s',
        statement_timestamp() + interval '3 s' + number * %s * interval '1 s', statement_timestamp(), ''
    FROM unnest(%s) WITH ORDINALITY AS due (id, number)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60, help="within which they expire")
    chosen = parser.parse_args()
    count, seconds = chosen.uploads, chosen.seconds
    ids = [os.urandom(11).hex() for _ in range(count)]
    s3 = boto3.client(
        "s3",
        endpoint_url=os.environ["S3_URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  (LocalStack's)
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=16),
    )
    connection = psycopg2.connect(os.environ["STACK_DATABASE_URL"])
    connection.autocommit = True
    cursor = connection.cursor()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda pk: s3.put_object(Bucket=BUCKET, Key=f"uploads/{pk}", Body=b"x"), ids))
    cursor.execute(ROWS, [seconds / count, ids])
    over = threading.Event()
    sent: list[str] = []
    others = threading.Thread(target=send, args=(over, sent))
    others.start()
    time.sleep(3 + seconds)
    left, end = count, time.monotonic() + LONGEST
    while left and time.monotonic() < end:
        time.sleep(0.2)
        cursor.execute("SELECT count(*) FROM uploads_upload WHERE box = 'bench' AND state <> 'gone'")
        left = cursor.fetchone()[0]
    over.set()
    others.join()
    listed = {item["Key"] for page in pages(s3) for item in page.get("Contents", ())}
    remaining = len(listed & {f"uploads/{pk}" for pk in ids})
    if left or remaining:
        raise SystemExit(f"left: {left} rows and {remaining} objects")
    cursor.execute(
        "SELECT percentile_cont(ARRAY[0.5, 0.99, 1])"
        " WITHIN GROUP (ORDER BY extract(epoch FROM removed_at - expires_at))"
        " FROM uploads_upload WHERE box = 'bench' AND state = 'gone'"
    )
    p50, p99, latest = cursor.fetchone()[0]
    others_a_second = len(sent) / (seconds + 3)
    record(
        Row(
            "8",
            f"lateness if {count:,} uploads expire in {seconds:.0f} s while {others_a_second:.0f} a second come",
            f"an interval of {INTERVAL} s",
            f"median {p50:.1f} s, p99 {p99:.1f} s, latest {latest:.1f} s",
            f"p99 ≤ {REACH} s",
            p99 <= REACH,
        )
    )


def send(over: threading.Event, sent: list[str]) -> None:
    """Send uploads through the API until it is over."""
    sender = Sender()
    while not over.wait(WHILE_OTHERS):
        sent.append(sender.send(b"x" * 1000, kind="file", name="note.txt"))


def pages(s3):
    return s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="uploads/")


if __name__ == "__main__":
    main()
