"""Questions about many keys: so many at once, for so long, and no request that grows with the bucket."""

import subprocess
import sys
import threading
from unittest import mock

import pytest
from botocore.stub import Stubber

from mayfly.storage import many
from mayfly.storage.protocol import NO_ANSWER, NOT_ASKED, STILL_THERE, StorageError
from mayfly.storage.s3 import proof
from mayfly.storage.s3.client import Clients

from ...support.requests import requests_to_s3
from ...support.storages import new_key, open_transfer, stored

pytest_plugins = ["tests.support.storages"]
KEYS = [f"uploads/{number}" for number in range(100)]
FOREVER = 60


def new_keys(count: int) -> list[str]:
    return sorted(new_key() for _ in range(count))


def test_every_key_that_is_absent_is_proven_and_every_other_named(storage, key):
    stored(storage, key, b"content")
    absent = [new_key() for _ in range(30)]
    assert storage.unproven([*absent, key], seconds=FOREVER) == {key: STILL_THERE}
    assert storage.unproven([key], seconds=FOREVER) == {key: STILL_THERE}
    assert storage.absent([*absent, key]) == set(absent)


def test_every_open_transfer_under_many_keys_is_closed(storage):
    keys = [new_key() for _ in range(20)]
    for key in keys[:7]:
        open_transfer(storage, key)
    assert storage.close_transfers(keys, seconds=FOREVER) == {}
    assert not {found.key for found in storage.transfers("uploads/")} & set(keys)


@pytest.mark.parametrize("method", ["unproven", "close_transfers"])
def test_no_key_is_asked_about_once_the_time_is_over(storage, method):
    for count in (2, 50):
        keys = [new_key() for _ in range(count)]
        assert set(getattr(storage, method)(keys, seconds=-1).values()) <= {NOT_ASKED, NO_ANSWER}


def test_a_backlog_is_proven_by_pages_where_few_others_live(s3):
    keys, others = new_keys(50), new_keys(3)
    for key in [*others, keys[7]]:
        stored(s3, key, b"x")
    with requests_to_s3() as asked:
        assert s3.unproven(keys, seconds=FOREVER) == {keys[7]: STILL_THERE}
    assert asked["ListObjectsV2"] <= 2
    assert asked["GetObject"] == 1
    s3.remove([*others, keys[7]])


def test_the_proof_costs_at_most_one_request_a_key_whatever_lives_there(s3, monkeypatch):
    """Case 57."""
    monkeypatch.setattr(proof, "MOST_BESIDE", 1)
    keys, others = new_keys(30), new_keys(60)
    for key in [*others, *keys[:2]]:
        stored(s3, key, b"x")
    with requests_to_s3() as asked:
        assert s3.unproven(keys, seconds=FOREVER) == dict.fromkeys(keys[:2], STILL_THERE)
    assert asked["GetObject"] > 4
    assert asked.total() <= len(keys) + 2  # those two are asked about once more
    s3.remove([*others, *keys[:2]])


@pytest.mark.parametrize(
    "page",
    [
        {"IsTruncated": True, "Contents": [{"Key": "uploads/zz"}, {"Key": "uploads/yy"}]},
        {"IsTruncated": True, "Contents": [{"Key": "uploads/"}, {"Key": "uploads/zzz"}]},
        {"IsTruncated": True},
        {},
        StorageError("AccessDenied"),
    ],
    ids=["unordered", "from the beginning", "empty", "unreadable", "refused"],
)
def test_a_listing_that_cannot_be_trusted_proves_nothing(s3, page):
    keys = new_keys(30)
    stored(s3, keys[0], b"x")
    answer = {"side_effect": page} if isinstance(page, Exception) else {"return_value": page}
    with mock.patch.object(s3.client, "list_objects_v2", **answer), requests_to_s3() as asked:
        assert s3.unproven(keys, seconds=FOREVER) == {keys[0]: STILL_THERE}
    assert asked == {"GetObject": len(keys)}
    s3.remove(keys[:1])


def test_a_listing_that_hangs_leaves_time_to_ask_about_each_key(s3):
    keys, released = new_keys(30), threading.Event()
    with mock.patch.object(s3.client, "list_objects_v2", side_effect=lambda **_: released.wait(FOREVER)):
        unproven = s3.unproven(keys, seconds=4)
        released.set()
    assert unproven == {}


def test_another_404_proves_nothing_about_any_key(s3):
    """A bucket that is missing has no object either, and may only be the wrong one."""
    with Stubber(s3.client) as answers:
        for _ in range(2):
            answers.add_client_error("get_object", "NoSuchBucket", http_status_code=404)
        unproven = s3.unproven(KEYS[:2], seconds=FOREVER)
        assert all("NoSuchBucket" in why for why in unproven.values())
        assert len(unproven) == 2
        answers.add_client_error("get_object", "NoSuchBucket", http_status_code=404)
        with pytest.raises(StorageError, match="NoSuchBucket"):
            s3.absent(KEYS[:1])


def test_all_threads_share_the_callers_client(s3, monkeypatch):
    """A client costs memory, and its own connection and certificates for each thread."""
    s3.client  # noqa: B018  (this thread's is made now)
    made = []
    monkeypatch.setattr(Clients, "_new", lambda self: made.append(1))
    assert s3.unproven(KEYS, seconds=FOREVER) == {}
    assert not made


def test_few_keys_are_asked_by_the_caller_and_many_by_the_same_threads():
    def asked(count: int) -> set[int]:
        threads = set()

        def question(key: str) -> str:
            threads.add(threading.get_ident())
            return ""

        assert many.at_once(question, KEYS[:count], seconds=FOREVER, kind="a") == {}
        return threads

    assert asked(many.FEW) == {threading.get_ident()}
    names = set()
    for _ in range(5):
        names |= asked(100)
    assert threading.get_ident() not in names
    assert len(names) <= many.AT_ONCE


def test_no_more_than_sixteen_questions_are_under_way_at_once():
    count, most, lock, all_here = 0, 0, threading.Lock(), threading.Barrier(many.AT_ONCE)

    def question(key: str) -> str:
        nonlocal count, most
        with lock:
            count += 1
            most = max(most, count)
        all_here.wait(FOREVER)  # only this many together go on
        with lock:
            count -= 1
        return ""

    assert many.at_once(question, KEYS[: 3 * many.AT_ONCE], seconds=FOREVER, kind="b") == {}
    assert most == many.AT_ONCE


def test_what_is_answered_in_time_counts_although_the_rest_hangs():
    """Case 57: a proof in part."""
    released = threading.Event()
    hanging = set(KEYS[20 : 20 + many.AT_ONCE])

    def question(key: str) -> str:
        if key in hanging:
            released.wait(FOREVER)
        return ""

    answers = many.at_once(question, KEYS, seconds=1, kind="c")
    others = many.at_once(lambda key: "", KEYS, seconds=FOREVER, kind="d")
    released.set()
    assert others == {}  # another kind has threads of its own
    assert {key for key, why in answers.items() if why == NO_ANSWER} == hanging
    assert {key for key, why in answers.items() if why == NOT_ASKED} == set(KEYS[20 + many.AT_ONCE :])
    assert set(KEYS) - set(answers) == set(KEYS[:20])


def test_an_error_names_its_key_and_stops_no_other():
    def question(key: str) -> str:
        if key == KEYS[3]:
            raise StorageError("SlowDown")
        return ""

    for keys in (KEYS, KEYS[2:5]):
        assert many.at_once(question, keys, seconds=FOREVER, kind="e") == {KEYS[3]: "SlowDown"}


def test_a_fork_asks_with_threads_of_its_own():
    """Both Celery and gunicorn fork, and a fork has no threads of its parent."""
    program = """if True:
        import os
        from mayfly.storage import many
        keys = [str(number) for number in range(50)]
        for _ in range(2):
            assert many.at_once(lambda key: "", keys, seconds=60, kind="f") == {}
            child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
    """
    subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": "services/app"}, check=True, timeout=FOREVER)
