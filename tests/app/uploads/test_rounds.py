"""A round of reconcile: both sides in the order of keys, in slices that may be cut off, repeated and doubled."""

import re
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from mayfly.storage.headers import OCTETS
from mayfly.storage.keys import UPLOADS, upload_key
from mayfly.storage.protocol import Found, StorageError
from mayfly.uploads import lifecycle, tasks
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import Phase, State
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.uploads.periodic import Round
from mayfly.uploads.reconcile import pairs, rounds
from mayfly.uploads.reconcile.pairs import Pair, side_by_side

from ...support.broken import Wrapped, down
from ...support.fuzzing import BOUNDED
from ...support.making import arrive, begin, empty_storage, expire, put_stray, ready, ready_row, state
from ...support.paged import PagedStorage, fill, id_of

pytestmark = pytest.mark.django_db
EVERY = timedelta(minutes=15)
LONG_AGO = datetime.now(UTC) - timedelta(days=3)


@pytest.fixture(autouse=True)
def empty():
    empty_storage()


@pytest.fixture
def questions_a_slice(monkeypatch):
    """A function that gives each slice time for so many looks at the clock, of which each batch takes one."""

    def change(number: int) -> None:
        clock = count()
        monkeypatch.setattr(rounds, "monotonic", lambda: next(clock) * rounds.SLICE_SECONDS / (number + 0.5))

    return change


@pytest.fixture
def a_batch_each(monkeypatch, questions_a_slice):
    """Each slice has time for one batch of two keys."""
    monkeypatch.setattr(pairs, "PAGE", 2)
    questions_a_slice(1)


def go_on(at=storage) -> Round:
    current = comparison.go_on(storage=at, every=EVERY)
    assert current is not None
    return current


def to_the_end(at=storage) -> list[Round]:
    """The round after each slice."""
    slices = [go_on(at)]
    while not slices[-1].is_over:
        slices.append(go_on(at))
        assert len(slices) < 1000, "the round never ends"
    return slices


def next_round(at=storage) -> Round:
    """A whole round that begins now."""
    Round.objects.all().delete()
    return to_the_end(at)[-1]


# both sides in the order of keys

KEYS = st.sampled_from(
    [f"uploads/{name}" for name in ("", "0", "9", "A", "B", "Z", "a", "a.b", "a/b", "b", "z", "é", "😀")]
)


def naive(rows: set[str], found: list[Found]) -> dict[str, tuple[bool, datetime | None]]:
    """The pairs of `side_by_side`, made from whole sets."""
    oldest: dict[str, datetime] = {}
    for one in found:
        oldest[one.key] = min(oldest.get(one.key, one.since), one.since)
    return {key: (key in rows, oldest.get(key)) for key in rows | oldest.keys()}


@given(rows=st.sets(KEYS), keys=st.lists(KEYS), cut=st.none() | KEYS, random=st.randoms(use_true_random=False))
@BOUNDED
def test_two_ordered_sides_give_what_two_sets_give(rows, keys, cut, random: Random):
    """From any key on, too."""
    after = cut or ""
    found = [Found(key, since=LONG_AGO + timedelta(seconds=random.randrange(9))) for key in sorted(keys) if key > after]
    rows = {key for key in rows if key > after}
    seen = list(side_by_side(sorted(rows), found, after=after))
    assert [pair.key for pair in seen] == sorted({pair.key for pair in seen})
    assert {pair.key: (pair.has_row, pair.found and pair.found.since) for pair in seen} == naive(rows, found)


@given(seen=st.lists(st.booleans()))
@BOUNDED
def test_batches_are_small_and_have_every_key_once(seen):
    all_pairs = [Pair(str(key), True, Found(str(key), LONG_AGO) if there else None) for key, there in enumerate(seen)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "PAGE", 5)
        patch.setattr(pairs, "QUESTIONS", 2)
        batches = list(pairs.batches(all_pairs))
    assert sum(batches, []) == all_pairs
    assert all(0 < len(batch) <= 5 and sum(pair.found is None for pair in batch) <= 2 for batch in batches)


@pytest.mark.parametrize("keys", [["uploads/b", "uploads/a"], ["uploads/a"], ["uploads/b", "uploads/c", "uploads/b"]])
def test_a_listing_in_no_order_proves_nothing(keys):
    """A key at or before the cursor is in no order either."""
    with pytest.raises(StorageError, match="order of keys"):
        list(side_by_side([], [Found(key, LONG_AGO) for key in keys], after="uploads/a"))


def test_the_database_sorts_ids_as_storage_sorts_keys():
    ids = [prefix + new_id()[:-1] for prefix in "0a9ZzAbB_é" for _ in range(3)]
    for upload_id in ids:
        ready_row(pk=upload_id)
    expected = sorted(ids)
    assert expected == sorted(ids, key=lambda text: text.encode())
    assert list(Upload.objects.after_in_byte_order("").values_list("pk", flat=True)) == expected
    for last in ("B", "a", expected[7]):
        after = list(Upload.objects.after_in_byte_order(last).values_list("pk", flat=True))
        assert after == [upload_id for upload_id in expected if upload_id > last]


# slices


def test_a_round_goes_on_where_the_last_slice_ended(a_batch_each):
    uploads = [ready() for _ in range(5)]
    lost, stray = uploads[2], put_stray(f"{uploads[1].key}.stray")
    storage.remove([lost.key])
    Upload.objects.filter(pk=uploads[1].pk).update(state=State.GONE, removed_at=Now() - EVERY, name="", code=None)
    slices = to_the_end()
    counted = [current for current in slices if current.phase == Phase.COUNTING]
    cursors = [current.cursor for current in counted if current.walk == 0]
    assert len(set(cursors)) == len(cursors) > 2
    assert cursors == sorted(cursors)
    assert (slices[-1].rows_compared, slices[-1].objects_compared) == (4, 5)
    assert (slices[-1].rows_removed, slices[-1].objects_removed) == (1, 2)
    assert state(lost) == State.GONE
    assert storage.length(stray) is storage.length(uploads[1].key) is None
    assert [state(upload) for upload in (uploads[0], uploads[3], uploads[4])] == [State.READY] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_slice_that_is_cut_off_anywhere_is_repeated_without_harm(a_batch_each):
    """Case 61: at any fifth query. The fault suite kills a process at each step."""
    for number in count(1, 5):
        Round.objects.all().delete()
        kept, lost = [ready() for _ in range(4)], ready()
        storage.remove([lost.key])
        strays = [put_stray(upload.key) for upload in removed(2)]
        left = number

        def cut_off(execute, *arguments):
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            return execute(*arguments)

        with connection.execute_wrapper(cut_off), suppress(KeyboardInterrupt):
            to_the_end()
        while (current := comparison.go_on(storage=storage, every=EVERY)) and not current.is_over:
            pass
        assert Round.objects.get().removed <= Round.objects.get().unmatched <= 3
        assert {state(upload) for upload in kept} == {State.READY}
        lifecycle.sweep(storage=storage)
        next_round()
        assert state(lost) == State.GONE
        assert [key for key in strays if storage.length(key) is not None] == []
        lifecycle.remove_all(Upload.objects.all(), storage=storage)
        if left > 0:
            assert number > 20, "no query was cut off"
            return


def removed(number: int) -> list[Upload]:
    """Uploads that were removed a while ago."""
    uploads = [ready() for _ in range(number)]
    lifecycle.remove_all(Upload.objects.filter(pk__in=[upload.pk for upload in uploads]), storage=storage)
    Upload.objects.gone().update(removed_at=Now() - EVERY)
    return uploads


@pytest.mark.parametrize("step", ["absent", "remove"])
def test_of_two_slices_at_once_one_goes_on(step):
    """Case 61: two workers, or two beats. The other one stops before it removes anything."""
    kept, lost = ready(), ready()
    storage.remove([lost.key])
    [gone] = removed(1)
    put_stray(gone.key)
    go_on()
    assert Round.objects.get().phase == Phase.REMOVING
    inner = []

    def meanwhile(*arguments):
        if not inner:
            inner.append(None)
            inner[0] = go_on()
        return getattr(storage, step)(*arguments)

    with pytest.raises(comparison.Overtaken):
        go_on(Wrapped(**{step: meanwhile}))
    assert inner[0].phase == Phase.ENDED
    assert (state(kept), state(lost)) == (State.READY, State.GONE)
    assert storage.length(gone.key) is None


def test_the_task_reports_that_another_worker_goes_on(monkeypatch):
    def overtaken(**_):
        raise comparison.Overtaken

    monkeypatch.setattr(tasks, "go_on", overtaken)
    assert tasks.reconcile() == "another process goes on with the round"


# uploads that live while a round runs


def test_uploads_that_come_and_go_during_a_round_are_left_alone(a_batch_each):
    """Case 61: between any two slices uploads begin, complete, expire and are removed."""
    old = [ready() for _ in range(6)]
    storage.remove([old[0].key])
    pending, complete = [], []
    for number in count():
        current = go_on()
        if current.is_over:
            break
        if number < 6:
            pending += [begin(), arrive(begin())]
            complete.append(ready())
            lifecycle.remove(ready(), storage=storage)
            expire(ready())
            lifecycle.sweep(storage=storage)
    assert current.phase == Phase.ENDED
    assert current.removed == current.unmatched == 1
    assert {state(upload) for upload in pending} == {State.PENDING}
    assert [len(storage.parts(upload.key, upload.transfer_id)) for upload in pending] == [0, 1] * 6
    assert {state(upload) for upload in complete + old[1:]} == {State.READY}
    assert all(storage.length(upload.key) == 5 for upload in complete + old[1:])


def test_a_finding_that_has_come_right_before_the_removal_is_left_alone():
    """Case 61: the second pass asks both sides again."""
    upload, _ = ready(), ready()
    storage.remove([upload.key])
    [gone] = removed(1)
    put_stray(gone.key)
    assert go_on().unmatched == 2
    put_stray(upload.key, b"hello")
    Upload.objects.filter(pk=gone.pk).update(state=State.REMOVING, removed_at=None)
    last = go_on()
    assert (last.phase, last.removed) == (Phase.ENDED, 0)
    assert state(upload) == State.READY
    assert storage.length(gone.key) == 5


# the brake


def test_the_brake_judges_a_whole_round(a_batch_each, limits):
    """Case 61: no slice has seen too much by itself, and nothing is removed before the last one."""
    limits(reconcile_most=2)
    uploads = [ready() for _ in range(12)]
    lost = sorted(uploads, key=lambda upload: upload.pk)[::4]
    storage.remove([upload.key for upload in lost])
    slices = to_the_end()
    assert {current.phase for current in slices} == {Phase.COUNTING, Phase.STOPPED}
    assert slices[-1].why_stopped == "3 and more of 12: rows without an object"
    assert {state(upload) for upload in uploads} == {State.READY}
    limits(reconcile_most=3)
    assert next_round().rows_removed == 3
    assert [state(upload) for upload in lost] == [State.GONE] * 3


def test_no_more_is_removed_than_was_counted(a_batch_each):
    """Case 61: the bucket is exchanged for an empty one after the count."""
    uploads = [ready() for _ in range(8)]
    storage.remove([uploads[3].key])
    while go_on().phase == Phase.COUNTING:
        pass
    nothing = Wrapped(objects=lambda prefix, **after: iter(()), absent=set)
    assert to_the_end(nothing)[-1].rows_removed == 1
    assert Upload.objects.live().count() == 7


def test_a_process_that_dies_while_it_removes_has_paid_before():
    """So its repetitions remove no more than was counted."""
    ready()
    uploads = removed(2)
    put_stray(uploads[0].key)
    assert go_on().objects_unmatched == 1
    put_stray(uploads[1].key)

    def dies(keys):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go_on(Wrapped(remove=dies))
    assert Round.objects.get().objects_removed == 1
    assert to_the_end()[-1].objects_removed == 1
    assert len(list(storage.objects(UPLOADS))) == 3
    assert next_round().objects_removed == 2


def test_storage_that_fails_while_it_removes_gets_a_second_try():
    [gone], _ = removed(1), ready()
    put_stray(gone.key)
    go_on()
    with pytest.raises(StorageError):
        go_on(Wrapped(remove=down))
    assert Round.objects.get().removed == 0
    assert go_on().removed == 1
    assert storage.length(gone.key) is None


def test_a_transfer_that_stays_open_does_not_hold_up_the_round(caplog):
    ready()
    uploads = removed(3)
    for upload in uploads:
        storage.open_transfer(upload.key, content_type=OCTETS)
    bad = sorted(upload.key for upload in uploads)[0]

    def abort(key):
        if key == bad:
            raise StorageError("parts still arrive")
        storage.abort_transfers(key)

    last = to_the_end(Wrapped(abort_transfers=abort))[-1]
    assert (last.phase, last.transfers_unmatched, last.transfers_removed) == (Phase.ENDED, 3, 2)
    assert {found.key for found in storage.transfers(UPLOADS)} == {bad}
    assert "its transfer is still open: parts still arrive" in caplog.text


def test_aborts_that_take_long_are_spread_over_slices(questions_a_slice):
    ready()
    uploads = removed(3)
    for upload in uploads:
        storage.open_transfer(upload.key, content_type=OCTETS)
    go_on()
    questions_a_slice(1)
    slices = to_the_end()
    assert [current.transfers_removed for current in slices if current.walk == 2] == [0, 1, 2, 3]
    assert list(storage.transfers(UPLOADS)) == []


def test_the_task_reports_the_brake_and_does_not_fail(limits, caplog):
    limits(reconcile_most=0)
    upload = ready()
    storage.remove([upload.key])
    assert tasks.reconcile().startswith("stopped: 1 rows, 0 objects")
    assert "reconcile has removed nothing, because too much would go: 1 of 1: rows without an object" in caplog.text
    assert tasks.reconcile() == "no round is due"
    assert state(upload) == State.READY


# progress


def reconcile_in_health() -> str:
    return Client().get("/health/ready").json()["reconcile"]


def test_ready_shows_the_progress_and_the_age_of_a_round(a_batch_each):
    assert reconcile_in_health() == "has not begun"
    for _ in range(3):
        ready()
    go_on()
    Round.objects.update(began_at=Now() - timedelta(seconds=100), stepped_at=Now() - timedelta(seconds=40))
    assert reconcile_in_health() == "counting for 100 s, 4 compared, last step 40 s ago"
    to_the_end()
    Round.objects.update(began_at=Now() - timedelta(seconds=100), stepped_at=Now() - timedelta(seconds=40))
    assert reconcile_in_health() == "ended 40 s ago, after 60 s"


def test_ready_shows_why_a_round_stopped(limits):
    limits(reconcile_most=0)
    storage.remove([ready().key])
    tasks.reconcile()
    assert re.match(r"stopped \d+ s ago, after \d+ s: 1 of 1: rows without an object", reconcile_in_health())


# size


@pytest.mark.slow
def test_a_round_reads_a_hundred_thousand_uploads_page_by_page():
    """Case 60."""
    fill(100_000)
    lost = range(5, 100_000, 11_000)
    strays = [f"{upload_key(id_of(number))}stray" for number in range(0, 100_000, 30_000)]
    at = PagedStorage(100_000, lost=lost, strays=strays)
    queries = 0

    def count_it(execute, *arguments):
        nonlocal queries
        queries += 1
        return execute(*arguments)

    with connection.execute_wrapper(count_it):
        last = to_the_end(at)[-1]
    assert (last.rows_compared, last.objects_compared) == (100_000, 100_000 - len(lost) + len(strays))
    assert (last.rows_removed, last.objects_removed) == (len(lost), len(strays))
    assert set(Upload.objects.gone().values_list("pk", flat=True)) == {id_of(number) for number in lost}
    assert at.strays == []
    # Two passes of a hundred pages, and a few requests for each finding.
    assert at.asked["list"] < 220
    assert at.asked["head"] < 10 * len(lost)
    assert queries < 2 * 100 * 6


@pytest.mark.slow
def test_the_memory_of_a_round_does_not_grow_with_the_table(monkeypatch):
    """Case 60: the ids of eight times as many uploads would take eight times as many bytes."""
    monkeypatch.setattr(pairs, "PAGE", 100)
    most = {}
    for size in (2_500, 20_000):
        Upload.objects.all()._raw_delete(Upload.objects.db)
        fill(size)
        at = PagedStorage(size)
        tracemalloc.start()
        next_round(at)
        _, most[size] = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most[20_000] < 2 * most[2_500]


def test_a_long_count_without_objects_stops_early(questions_a_slice, limits):
    """Case 60: storage is asked about each row that the listing lacks, which a wrong bucket would make a million."""
    limits(reconcile_most=10)
    fill(3000)
    questions_a_slice(4)
    at = PagedStorage(0)
    last = to_the_end(at)[-1]
    assert last.phase == Phase.STOPPED
    assert last.why_stopped.endswith("of 3000: rows without an object")
    assert at.asked["head"] < 1500
    assert Upload.objects.live().count() == 3000
