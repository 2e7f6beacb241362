"""A part of the stack is missing, doubled, or has lost its data; the promises still hold."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle

from tests.support.samples import PNG

from ..conftest import BUCKET, Bucket, compose, until
from . import stack
from .stack import HTTP, LATE, OUTAGE, Ask, Visitor

ROWS = 2100  # two batches of a sweep, and some more
RECONCILE_MAX = 10
POLL = 30  # seconds between two looks for images whose message was lost


def content_of(upload: dict) -> bytes:
    return HTTP.get(upload["download"], follow_redirects=True).content


def statuses(upload: dict) -> set[int]:
    return {HTTP.get(upload["link"]).status_code, HTTP.get(upload["download"]).status_code}


def seconds_left(table: Ask, upload: dict) -> float:
    [(left,)] = table("SELECT extract(epoch FROM expires_at - now()) FROM uploads_upload WHERE id = %s", upload["id"])
    return float(left)


def go_on_for(seconds: float, visitor: Visitor, table: Ask) -> list[dict]:
    """Use the stack for this long. Everything works that needs neither worker nor beat, and nothing expired is served.

    Returns the uploads, each with a lifetime of 2 seconds.
    """
    end, uploads = time.monotonic() + seconds, []
    while time.monotonic() < end:
        content = random.randbytes(2000)
        upload = visitor.upload(content, lifetime=2)
        uploads.append(upload)
        kept = visitor.upload(content, lifetime=600)
        assert content_of(kept) == content
        assert visitor.api.delete(f"/api/uploads/{kept['id']}").status_code == 204
        assert statuses(kept) == {410}
        time.sleep(max(seconds_left(table, upload), 0))
        assert statuses(upload) == {410}
        assert visitor.list() == []
    return uploads


@contextmanager
def nothing_removed_early_or_twice(table: Ask) -> Iterator[None]:
    """Check that each upload is removed once, after its deadline, and that its receipt never changes."""
    removed = "SELECT id, removed_at FROM uploads_upload WHERE state = 'gone'"
    over, seen = [], {}

    def watch() -> None:
        while not over:
            for pk, at in table(removed):
                assert seen.setdefault(pk, at) == at
            time.sleep(0.1)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield
        finally:
            over.append(True)
        watching.result()
    assert table("SELECT id FROM uploads_upload WHERE state = 'gone' AND removed_at < expires_at") == []


def all_gone(uploads: list[dict], table: Ask, bucket: Bucket) -> None:
    """Wait until all of these are removed from table and bucket."""
    ids = [upload["id"] for upload in uploads]
    standing = "SELECT id FROM uploads_upload WHERE id = ANY(%s) AND state <> 'gone'"
    until(lambda: not table(standing, ids), seconds=LATE)
    assert not bucket.keys("uploads/") & {f"uploads/{pk}" for pk in ids}


def test_without_redis_uploads_work_and_removal_is_late_by_the_outage(visitor, table, bucket, say):
    """Case 45."""
    kept = visitor.upload(b"kept", lifetime=600)
    stack.kill("redis")
    stranger = Visitor()
    uploads = go_on_for(OUTAGE, stranger, table)
    assert stack.checks()["redis"] == "fails"
    assert {stack.state_of(table, upload) for upload in uploads} == {"ready"}
    stack.start("redis")
    all_gone(uploads, table, bucket)
    latest = stack.latest_removal(table)
    assert latest < OUTAGE + LATE
    stack.healthy()
    assert content_of(kept) == b"kept"
    say(f"chaos: Redis away for {OUTAGE:.0f} s, the latest removal {latest:.1f} s after its time")


def test_an_image_sent_without_redis_has_its_preview_once_redis_is_back(visitor, say):
    """Case 45. Its message is lost, and the poll of the table finds it."""
    stack.kill("redis")
    began = time.monotonic()
    image = visitor.upload(PNG, kind="image", name="dot.png")
    seconds = time.monotonic() - began
    assert HTTP.get(image["link"]).status_code == 200
    assert image["preview"] is None
    stack.start("redis")
    waited = until(lambda: visitor.list("image")[0]["preview"], seconds=LATE + POLL)
    say(f"chaos: an image sent in {seconds:.1f} s without Redis; its preview {waited:.0f} s after Redis was back")


def test_a_flushed_redis_changes_nothing(visitor, table, bucket):
    """Case 45."""
    uploads = []
    for _ in range(4):
        stack.docker("exec", stack.container("redis"), "redis-cli", "flushall")
        uploads += [visitor.upload(b"brief", lifetime=1) for _ in range(5)]
        time.sleep(random.uniform(0, 2))
    all_gone(uploads, table, bucket)
    assert stack.latest_removal(table) < LATE


def test_without_beat_nothing_expired_is_served_and_removal_follows(visitor, table, bucket, say):
    """Case 46."""
    stack.kill("beat")
    with nothing_removed_early_or_twice(table):
        uploads = [visitor.upload(b"brief", lifetime=2) for _ in range(20)]
        time.sleep(OUTAGE)
        assert {status for upload in uploads for status in statuses(upload)} == {410}
        assert visitor.list() == []
        stack.start("beat")
        all_gone(uploads, table, bucket)
    latest = stack.latest_removal(table)
    assert latest < OUTAGE + LATE
    say(f"chaos: beat away for {OUTAGE:.0f} s, the latest removal {latest:.1f} s after its time")


def test_two_beats_remove_nothing_early_and_nothing_twice(visitor, table, bucket):
    """Case 46."""
    second = compose("run", "--detach", "--no-deps", "beat").strip().splitlines()[-1]
    try:
        with nothing_removed_early_or_twice(table):
            kept = visitor.upload(b"kept", lifetime=600)
            uploads = [visitor.upload(b"brief", lifetime=1 + number % 4) for number in range(40)]
            all_gone(uploads, table, bucket)
        assert content_of(kept) == b"kept"
        assert stack.docker("inspect", "--format", "{{.State.Running}}", second) == "true"
    finally:
        stack.docker("rm", "--force", second)
    assert stack.latest_removal(table) < LATE


def test_removal_goes_on_while_beat_restarts_every_few_seconds(visitor, table, bucket, say):
    """Only the longest pause gives beat the 5 seconds after which it sends its first sweep."""
    gone = "SELECT count(*) FROM uploads_upload WHERE state = 'gone'"
    with nothing_removed_early_or_twice(table):
        kept = visitor.upload(b"kept", lifetime=600)
        uploads, start, restarts = [], time.monotonic(), 0
        for pause in cycle((2, 1, 9)):
            stack.restart("beat")
            restarts += 1
            uploads += [visitor.upload(b"brief", lifetime=1) for _ in range(3)]
            time.sleep(pause)
            passed, [(removed,)] = time.monotonic() - start, table(gone)
            if removed and passed > OUTAGE:
                break
            assert passed < OUTAGE + LATE, "nothing is removed"
        all_gone(uploads, table, bucket)
    assert content_of(kept) == b"kept"
    latest = stack.latest_removal(table)
    assert latest < passed + LATE
    say(f"chaos: beat restarted {restarts} times in {passed:.0f} s, the latest removal {latest:.1f} s after its time")


def test_a_sweep_survives_two_restarts_of_postgres(visitor, table, bucket, say):
    """Case 47. The test inserts the rows directly, because it is about the sweep."""
    contents = {upload["id"]: (upload, content) for upload, content in _some(visitor, 10)}
    ids = [f"storm{number:017d}" for number in range(ROWS)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pk: bucket.client.put_object(Bucket=BUCKET, Key=f"uploads/{pk}", Body=b"x"), ids))
    table(
        "INSERT INTO uploads_upload (id, box, kind, state, name, title, content_type, size, part_size, transfer_id,"
        " address, lifetime, expires_at, completed_at, refusal)"
        " SELECT unnest(%s), 'storm', 'file', 'ready', 'x', '', '', 1, 1, '', '', '1s', now(), now(), ''",
        ids,
    )

    def count(state: str) -> int:
        return table("SELECT count(*) FROM uploads_upload WHERE box = 'storm' AND state = %s", state)[0][0]

    until(lambda: count("removing"), seconds=LATE, every=0.02)
    stack.kill("postgres")  # the sweep removes the first thousand objects and has locked their rows
    time.sleep(1)
    stack.start("postgres")
    assert count("gone") < ROWS
    until(lambda: count("gone"), seconds=LATE, every=0.02)
    met = ROWS - count("gone")
    stack.restart("postgres", seconds=10)  # between two batches, or in one
    until(lambda: count("gone") == ROWS, seconds=2 * LATE)
    assert bucket.keys("uploads/storm") == set()
    stack.healthy()
    assert {upload["id"] for upload in visitor.list()} == contents.keys()
    assert all(content_of(upload) == content for upload, content in contents.values())
    assert stack.differences(table, bucket) == {}
    say(f"chaos: Postgres restarted twice in a sweep of {ROWS} rows, once with {met} to go; 0 losses, 0 leaks")


def test_an_empty_localstack_loses_the_bytes_and_nothing_else(visitor, table, bucket):
    """Cases 48, 49 and 55."""
    stranger = Visitor()
    uploads = [visitor.upload(b"lost", name=str(number)) for number in range(30)]
    begun = stranger.begin(b"never sent")
    stack.restart("localstack")
    stack.healthy()
    assert bucket.keys("uploads/") == set()
    assert len(visitor.list()) == 30  # no process has noticed yet

    # The first download that misses its object removes its own row, and no other.
    assert statuses(uploads[0]) == {200, 410}
    assert stack.state_of(table, uploads[0]) == "gone"
    assert statuses(uploads[0]) == {410}
    assert len(visitor.list()) == 29
    assert stranger.complete(begun).status_code in (409, 422)

    # Reconcile reports its findings and removes nothing, because a wrong bucket would look the same.
    code, said = stack.reconcile()
    assert code == 3, said
    assert "29 live rows, 0 objects, 0 open transfers" in said
    assert "29 rows without an object" in said
    assert all(upload["id"] in said for upload in uploads[1:])
    assert "nothing was removed" in said
    assert len(visitor.list()) == 29

    # New uploads work meanwhile, and stay if a higher limit lets reconcile go on.
    new = stranger.upload(b"new")
    assert content_of(new) == b"new"
    code, said = stack.reconcile(RECONCILE_MAX="100")
    assert code == 0, said
    assert visitor.list() == []
    assert content_of(new) == b"new"
    assert stack.differences(table, bucket) == {}


def test_reconcile_removes_the_rows_of_a_few_lost_objects(visitor, table, bucket):
    uploads = [visitor.upload(b"hello", name=str(number)) for number in range(RECONCILE_MAX + 2)]
    lost, kept = uploads[:RECONCILE_MAX], uploads[RECONCILE_MAX:]
    for upload in lost:
        bucket.client.delete_object(Bucket=BUCKET, Key=f"uploads/{upload['id']}")
    code, said = stack.reconcile()
    assert (code, f"{RECONCILE_MAX} rows without an object" in said) == (0, True), said
    assert {upload["id"] for upload in visitor.list()} == {upload["id"] for upload in kept}
    bucket.client.put_object(Bucket=BUCKET, Key=f"uploads/{lost[0]['id']}", Body=b"back again")
    assert stack.reconcile()[0] == 0
    assert stack.differences(table, bucket) == {}
    assert all(content_of(upload) == b"hello" for upload in kept)


def _some(visitor: Visitor, count: int) -> Iterator[tuple[dict, bytes]]:
    for _ in range(count):
        content = random.randbytes(random.randrange(1, 50_000))
        yield visitor.upload(content, lifetime=600), content
