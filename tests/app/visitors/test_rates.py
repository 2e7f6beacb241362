"""Limits on rates: the buckets, which Redis keeps or else the process, and a Redis that does not answer.

Without REDIS_URL these are the process's own buckets; on the stack they are in its Redis.
"""

import socket
import threading
from ast import literal_eval
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import settings as configured

from mayfly import shared_redis
from mayfly.uploads.ids import new_id
from mayfly.visitors import rates
from mayfly.visitors.rates import BURST_MINUTES, Rate, TooMany, take, take_here

from ...support.configuration import show
from ...support.ports import closed_redis, silent_redis

UPLOADS = Rate.UPLOADS


@pytest.fixture
def limit(settings):
    """Set the requests a minute of an address and of a box. In these tests a bucket holds twice as many."""

    def change(address: int, box: int = 0) -> None:
        settings.RATES = settings.RATES | {"uploads": (address, box)}

    return change


@pytest.fixture(autouse=True)
def small_buckets(monkeypatch) -> None:
    monkeypatch.setattr(rates, "BURST_MINUTES", 2)


@pytest.fixture(autouse=True)
def as_a_new_process() -> Iterator[None]:
    def forget() -> None:
        if shared_redis._thread.cache_info().currsize:
            shared_redis._thread().shutdown()
        if shared_redis._client.cache_info().currsize:
            shared_redis._client().close()
        shared_redis._thread.cache_clear()
        shared_redis._client.cache_clear()
        rates._silence._until = 0

    forget()
    yield
    forget()


def taken(count: int, using=take, **who) -> int:
    """How many of so many requests are allowed."""
    allowed = 0
    for _ in range(count):
        try:
            using(UPLOADS, **who)
            allowed += 1
        except TooMany:
            pass
    return allowed


def test_a_bucket_holds_some_minutes_worth_of_requests(limit):
    limit(address=2)
    here = new_id()
    assert taken(6, address=here) == 4
    assert taken(1, address=new_id()) == 1


def test_a_refusal_says_how_long_to_wait(limit):
    limit(address=1)
    here = new_id()
    assert taken(2, address=here) == 2
    with pytest.raises(TooMany) as refusal:
        take(UPLOADS, address=here)
    assert 30 < refusal.value.seconds <= 60


def test_a_bucket_fills_evenly(limit, settings, monkeypatch):
    settings.REDIS_URL = ""  # whose clock no test can move
    clock = [1000.0]
    monkeypatch.setattr(rates, "monotonic", lambda: clock[0])
    limit(address=60)
    here = new_id()
    assert taken(200, address=here) == 120
    clock[0] += 5
    assert taken(200, address=here) == 5
    clock[0] += 3600
    assert taken(200, address=here) == 120


def test_an_address_and_a_box_are_both_counted(limit):
    limit(address=3, box=1)
    here, box = new_id(), new_id()
    assert taken(5, address=here, box=box) == 2
    # A refusal by the box costs the address nothing.
    assert taken(9, address=here, box=None) == 4
    assert taken(1, address=here, box=new_id()) == 0


def test_each_rate_counts_by_itself(settings):
    settings.RATES = settings.RATES | {"uploads": (1, 0), "downloads": (1, 0)}
    here = new_id()
    assert taken(3, address=here) == 2
    take(Rate.DOWNLOADS, address=here)


def test_a_rate_of_zero_limits_nothing_and_asks_nothing(limit, monkeypatch):
    limit(address=0)
    monkeypatch.setattr(rates, "_take_shared", lambda buckets: pytest.fail("asked"))
    assert taken(1000, address=new_id(), box=new_id()) == 1000


def test_many_at_once_never_take_more_than_there_is(limit):
    limit(address=10)
    here = new_id()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: taken(10, address=here), range(8))) == 20


def test_the_buckets_of_a_process_take_bounded_memory(limit, settings, monkeypatch):
    settings.REDIS_URL = ""
    monkeypatch.setattr(rates, "MOST_BUCKETS", 100)
    limit(address=1)
    busy = new_id()
    assert taken(2, address=busy) == 2
    for _ in range(1000):
        take(UPLOADS, address=new_id())
    assert len(rates._own._full) <= 101
    assert taken(1, address=busy) == 0  # the emptiest are kept


def test_the_defaults_let_a_phone_send_a_hundred_photos():
    [described] = show("RATES", SECRET_KEY="x")
    address, box = literal_eval(described)["uploads"]
    assert box * BURST_MINUTES >= 200
    assert address * BURST_MINUTES >= 5 * 200
    assert set(literal_eval(described)) == set(Rate)


# Redis


class Redis:
    """A server that counts connections and commands, and answers each `EVAL` with this."""

    def __init__(self, answer: bytes = b":0\r\n"):
        self.answer, self.evals, self.connections = answer, 0, 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb", buffering=0) as stream:
            self._converse(stream)

    def _converse(self, stream) -> None:
        while line := stream.readline():
            words = []
            for _ in range(int(line[1:])):
                length = int(stream.readline()[1:])
                word = b""
                while len(word) < length + 2:
                    word += stream.read(length + 2 - len(word))
                words.append(word[:-2])
            if words[0] == b"EVAL":
                self.evals += 1
                stream.write(self.answer)
            else:
                stream.write(b"%1\r\n$5\r\nproto\r\n:3\r\n" if words[0] == b"HELLO" else b"+OK\r\n")

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def patient(monkeypatch) -> None:
    """Enough time for a busy machine, in tests whose promise is not the time."""
    monkeypatch.setattr(rates, "MOST_SECONDS", 20)


@pytest.fixture
def redis(settings, patient) -> Iterator[Redis]:
    server = Redis()
    settings.REDIS_URL = server.url
    yield server
    server.close()


def test_each_request_asks_redis_once_over_one_connection(limit, redis):
    """Case 66."""
    limit(address=1, box=1)
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda _: taken(5, address=new_id(), box=new_id()), range(6))) == 30
    assert (redis.evals, redis.connections) == (30, 1)


def test_further_files_of_a_form_ask_no_redis(limit, redis):
    limit(address=1)
    assert taken(5, using=take_here, address=new_id()) == 2
    assert redis.evals == 0


def test_redis_refuses_for_all_processes(limit, redis):
    limit(address=1000)
    redis.answer = b":2500\r\n"
    with pytest.raises(TooMany) as refusal:
        take(UPLOADS, address=new_id())
    assert refusal.value.seconds == 3


@contextmanager
def unknown() -> Iterator[str]:
    yield "redis://redis.invalid:6379"


@contextmanager
def full() -> Iterator[str]:
    server = Redis(b"-OOM command not allowed when used memory > 'maxmemory'.\r\n")
    yield server.url
    server.close()


@pytest.fixture(params=[silent_redis, closed_redis, unknown, full], ids=lambda gone: gone.__name__)
def gone(request, settings, monkeypatch) -> Iterator[None]:
    """A Redis that keeps no bucket."""
    monkeypatch.setattr(shared_redis, "SECONDS", 0.3)  # so that the thread ends soon after the test
    with ExitStack() as stack:
        settings.REDIS_URL = stack.enter_context(request.param())
        yield


def test_without_an_answer_the_process_counts_and_asks_no_more(limit, gone, caplog):
    """Case 66: a Redis that is away fails no request, and delays one of many."""
    limit(address=1)
    here = new_id()
    assert taken(50, address=here) == 2
    assert len([record for record in caplog.records if record.name == rates.__name__]) == 1


def test_a_redis_that_returns_is_asked_again(limit, redis, monkeypatch):
    limit(address=1)
    clock = [1000.0]
    monkeypatch.setattr(rates, "monotonic", lambda: clock[0])
    rates._silence.begin()
    take(UPLOADS, address=new_id())
    assert redis.evals == 0
    clock[0] += rates.PAUSE_SECONDS
    take(UPLOADS, address=new_id())
    assert redis.evals == 1


def test_the_script_and_the_process_keep_the_same_rule(limit):
    """On the stack, with its Redis: whatever the limits, both allow the same number."""
    if configured.REDIS_URL:
        assert rates._take_shared([rates.Bucket(new_id(), 1, 1)]) == 0
        assert not rates._silence.lasts
    for address, box in (1, 0), (3, 2), (2, 3):
        limit(address, box)
        for using in take, take_here:
            most = 2 * min(address, box or address)
            assert taken(9, using=using, address=new_id(), box=new_id()) == most, using
