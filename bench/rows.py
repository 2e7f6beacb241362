"""Measure the bytes that a row of the table of uploads takes in Postgres, with its indexes: live, and as a receipt.

tests/stack/with .venv/bin/python bench/rows.py [--rows 100000]

The rows go into a copy of the table, which has the same indexes and is dropped at the end. They have what S3 and a
browser give them: a transfer id of 128 characters, a name, a code, a hash. Then all of them become receipts, as a
removal makes them, and VACUUM gives the space of their earlier versions back. Half a minute.
"""

import argparse
import os
import time
from typing import Any

import psycopg2
from figures import Row, record

LIVE = """
    INSERT INTO bench_rows (id, box, address, kind, state, name, title, content_type, proven_type, size, part_size,
        transfer_id, lifetime, expires_at, completed_at, refusal, code, sha256)
    SELECT left(translate(encode(sha256(n::text::bytea), 'base64'), '+/=', 'xyz'), 22),
        left(md5((n / 2)::text), 22), left(md5((n / 2)::text || 'a'), 22),
        CASE WHEN n %% 5 < 3 THEN 'image' ELSE 'file' END, 'ready', 'IMG_' || n || '.jpg', '', 'image/jpeg',
        'image/jpeg', 3000000, 8388608, repeat(md5(n::text), 4), '15m', now() + n * '1ms'::interval, now(), '',
        'amber-copper-' || n, encode(sha256(n::text::bytea), 'hex')
    FROM generate_series(1, %s) AS n
"""
# As uploads/lifecycle/erase.py does it.
GONE = """
    UPDATE bench_rows SET state = 'gone', removed_at = expires_at + interval '3 s', failure = '', name = '', title = '',
        address = '', transfer_id = '', code = NULL, password = '', sha256 = '', cleaning_due_at = NULL
"""
INDEXES = """
    SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index
    WHERE indrelid = 'bench_rows'::regclass ORDER BY 2 DESC
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    connection = psycopg2.connect(os.environ["STACK_DATABASE_URL"])
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("DROP TABLE IF EXISTS bench_rows")
    cursor.execute("CREATE TABLE bench_rows (LIKE uploads_upload INCLUDING ALL)")
    try:
        live = measured(cursor, "live", count, LIVE, [count])
        after = measured(cursor, "receipts, after VACUUM", count, GONE)
        began = time.monotonic()
        cursor.execute("VACUUM FULL bench_rows")
        receipt = measured(cursor, f"receipts, rewritten in {time.monotonic() - began:.1f} s", count)
        began = time.monotonic()
        cursor.execute("DELETE FROM bench_rows")
        print(f"deleted in {time.monotonic() - began:.1f} s")
    finally:
        cursor.execute("DROP TABLE bench_rows")
    record(
        Row(
            place="10r",
            what=f"bytes of a row with its indexes, of {count:,}",
            against="a live row",
            figure=f"{live:.0f} live; {receipt:.0f} as a receipt; {after:.0f} before VACUUM FULL",
        )
    )


def measured(cursor: Any, name: str, count: int, query: str = "", values: list[int] | None = None) -> float:
    """Run a query and VACUUM. Returns the bytes that a row takes in all, and prints where they are."""
    began = time.monotonic()
    if query:
        cursor.execute(query, values)
    queried = time.monotonic()
    cursor.execute("VACUUM ANALYZE bench_rows")
    print(f"{name}: query {queried - began:.1f} s, VACUUM {time.monotonic() - queried:.1f} s", flush=True)
    cursor.execute("SELECT pg_relation_size('bench_rows'), pg_total_relation_size('bench_rows')")
    table, total = cursor.fetchone()
    cursor.execute(INDEXES)
    indexes = ", ".join(f"{index} {size / count:.0f}" for index, size in cursor.fetchall() if size > count)
    print(f"  {total / count:.0f} bytes a row: table {table / count:.0f}; {indexes}")
    return total / count


if __name__ == "__main__":
    main()
