"""Measure how late the sweep is if many uploads expire at once, in the stack that tests/stack/with starts.

Prints how long after that moment bucket and table were clear, and the lateness of each removal: removed_at minus
expires_at, both by the database's clock. The script writes objects and rows itself, and measures the sweep alone.
"""

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import psycopg2
from botocore.config import Config

BUCKET = "mayfly"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uploads", type=int, default=10_000)
    count = parser.parse_args().uploads
    ids = [f"bench{number:017d}" for number in range(count)]
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

    started = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda pk: s3.put_object(Bucket=BUCKET, Key=f"uploads/{pk}", Body=b"x"), ids))
    print(f"{count} objects put in {time.monotonic() - started:.0f} s")
    cursor.execute(
        "INSERT INTO uploads_upload (id, box, address, kind, state, name, title, content_type, size, part_size,"
        " transfer_id, lifetime, expires_at, completed_at, refusal)"
        " SELECT unnest(%s), 'bench', '', 'file', 'ready', 'x', '', '', 1, 1, '', '1s',"
        " statement_timestamp() + interval '2 s', statement_timestamp(), ''",
        [ids],
    )
    time.sleep(2)
    expired = time.monotonic()
    left = count
    while left and time.monotonic() - expired < 300:
        time.sleep(0.1)
        cursor.execute("SELECT count(*) FROM uploads_upload WHERE box = 'bench' AND state <> 'gone'")
        left = cursor.fetchone()[0]
    cleared = time.monotonic() - expired
    remaining = s3.list_objects_v2(Bucket=BUCKET, Prefix="uploads/bench").get("KeyCount", 0)
    cursor.execute(
        "SELECT percentile_cont(ARRAY[0.5, 0.99, 1])"
        " WITHIN GROUP (ORDER BY extract(epoch FROM removed_at - expires_at))"
        " FROM uploads_upload WHERE box = 'bench' AND state = 'gone'"
    )
    p50, p99, latest = cursor.fetchone()[0]
    print(
        f"{count} uploads gone from bucket and table {cleared:.1f} s after they expired; left: {left} and {remaining}"
    )
    print(f"lateness: p50 {p50:.1f} s, p99 {p99:.1f} s, latest {latest:.1f} s; a sweep comes every 5 s")
    if left or remaining or cleared > 60:
        raise SystemExit("more than 60 s")


if __name__ == "__main__":
    main()
