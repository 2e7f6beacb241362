"""The message by which web announces an image: sent once if Redis is there, and never in a visitor's way."""

import base64
import json
import socket
import socketserver
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from mayfly.previews import announce, tasks
from mayfly.uploads.choices import Kind
from mayfly.uploads.models import Upload

from ...support.ports import closed_redis, free_port, silent_redis
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)

# The bound, and what a busy machine may add to it until a thread runs again.
MOST = announce.MOST_SECONDS + 0.3


class Connection(socketserver.StreamRequestHandler):
    """As much of Redis's protocol as it takes to send a message."""

    disable_nagle_algorithm = True
    server: "Redis"

    def handle(self) -> None:
        self.server.count(1)
        try:
            self.converse()
        finally:
            self.server.count(-1)

    def converse(self) -> None:
        transaction: list[bytes] | None = None
        while line := self.rfile.readline():
            words = [self.word() for _ in range(int(line[1:]))]
            self.server.received.append(words)
            if words == [b"EXEC"]:
                answer, transaction = b"*%d\r\n" % len(transaction) + b"".join(transaction), None
            elif transaction is None:
                answer, transaction = self.answer(*words), [] if words == [b"MULTI"] else None
            else:
                transaction.append(self.answer(*words))
                answer = b"+QUEUED\r\n"
            self.wfile.write(answer)

    def word(self) -> bytes:
        length = int(self.rfile.readline()[1:])
        return self.rfile.read(length + 2)[:-2]

    def answer(self, command: bytes, *arguments: bytes) -> bytes:
        match command.upper():
            case b"HELLO":
                return b"%1\r\n$5\r\nproto\r\n:3\r\n"
            case b"PING":
                return b"+PONG\r\n"
            case b"SADD":
                self.server.sets[arguments[0]].update(arguments[1:])
                return b":1\r\n"
            case b"SMEMBERS":
                members = self.server.sets[arguments[0]]
                return b"*%d\r\n" % len(members) + b"".join(b"$%d\r\n%s\r\n" % (len(one), one) for one in members)
            case b"LPUSH" | b"LLEN":
                return b":1\r\n"
        return b"+OK\r\n"


class Redis(socketserver.ThreadingTCPServer):
    """A Redis that keeps every command it receives."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int = 0):
        super().__init__(("127.0.0.1", port), Connection)
        self.received: list[list[bytes]] = []
        self.connected = self.most_connected = 0
        self._counting = threading.Lock()
        self.sets: dict[bytes, set[bytes]] = defaultdict(set)

    def count(self, change: int) -> None:
        with self._counting:
            self.connected += change
            self.most_connected = max(self.most_connected, self.connected)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server_address[1]}"

    @property
    def messages(self) -> list[tuple[str, str, list[str]]]:
        """The queue, the task and the arguments of each message."""
        found = []
        for command, *arguments in self.received:
            if command == b"LPUSH":
                message = json.loads(arguments[1])
                sent = json.loads(base64.b64decode(message["body"]))
                found.append((arguments[0].decode(), message["headers"]["task"], sent[0]))
        return found


@contextmanager
def serving(port: int = 0) -> Iterator[Redis]:
    with Redis(port) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def patient(monkeypatch) -> None:
    """Enough time for a busy machine, in tests whose promise is not the time."""
    monkeypatch.setattr(announce, "MOST_SECONDS", 20)


@pytest.fixture
def redis(patient) -> Iterator[Redis]:
    with serving() as server:
        yield server


@pytest.fixture
def point_at(settings) -> Iterator[Callable[[str], None]]:
    """Let web send to this address: a new process, as it were."""

    def forget() -> None:
        if announce._sender.cache_info().currsize:
            announce._sender().shutdown()
        announce._sender.cache_clear()

    def point(url: str) -> None:
        settings.REDIS_URL = settings.CELERY_BROKER_URL = url

    forget()
    yield point
    forget()


@contextmanager
def unknown() -> Iterator[str]:
    yield "redis://redis.invalid:6379"


@contextmanager
def unknown_after_a_while() -> Iterator[str]:
    """A host name whose lookup takes longer than any visitor should wait."""
    lookup = socket.getaddrinfo

    def slow(host, *arguments, **more):
        if host == "slow.invalid":
            time.sleep(1.5)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return lookup(host, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", slow)
        yield "redis://slow.invalid:6379"
        time.sleep(1.5)  # the lookup that still runs must not meet another test


@pytest.fixture(params=[silent_redis, closed_redis, unknown, unknown_after_a_while], ids=lambda gone: gone.__name__)
def gone(request, point_at) -> Iterator[None]:
    """A Redis that cannot be reached."""
    with ExitStack() as stack:
        point_at(stack.enter_context(request.param()))
        yield


def image() -> Upload:
    return Upload(kind=Kind.IMAGE)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)


def seconds_to_announce(upload: Upload) -> float:
    began = time.monotonic()
    announce.announce(upload)
    return time.monotonic() - began


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == announce.__name__]


def test_a_ready_image_sends_one_message(owner, redis, point_at):
    point_at(redis.url)
    upload = owner.upload(PNG, kind="image", name="a.png")
    assert redis.messages == [("previews", "previews.preview", [upload["id"]])]


def test_a_file_that_has_no_preview_sends_nothing(owner, redis, point_at):
    point_at(redis.url)
    owner.upload(b"\x00\x01\x02")
    assert redis.received == []


def test_a_file_waits_behind_every_image(owner, redis, point_at):
    """Case 81: Redis gives out a list of the lowest priority last, however much is in it."""
    point_at(redis.url)
    owner.upload(b"hello")
    owner.upload(PNG, kind="image", name="a.png")
    lists = [arguments[0] for command, *arguments in redis.received if command == b"LPUSH"]
    assert lists == [b"previews\x06\x169", b"previews"]


def test_nothing_is_sent_without_redis(owner, point_at, monkeypatch):
    point_at("")
    monkeypatch.setattr(tasks.preview, "apply_async", lambda *_, **__: pytest.fail("a message"))
    assert owner.upload(PNG, kind="image", name="a.png")["state"] == "ready"
    assert announce._sender.cache_info().currsize == 0


def test_a_message_takes_two_connections_and_gives_them_back(redis, point_at):
    point_at(redis.url)
    for number in range(3):
        announce.announce(image())
        wait_until(lambda: redis.connected == 0)
        assert len(redis.messages) == number + 1
    assert redis.most_connected == 2


def test_a_process_sends_one_message_at_a_time(redis, point_at):
    point_at(redis.url)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(announce.announce, [image() for _ in range(8)]))
    assert len(redis.messages) == 8
    # The server may see the end of one message's connections after the next message has opened its own.
    assert redis.most_connected <= 4


def test_web_answers_while_redis_is_gone(owner, gone, caplog):
    assert owner.upload(PNG, kind="image", name="a.png")["state"] == "ready"
    assert len(warnings(caplog)) == 1


def test_a_gone_redis_costs_half_a_second_and_one_line_at_most(gone, caplog):
    upload = image()
    assert seconds_to_announce(upload) < MOST
    [line] = warnings(caplog)
    assert line.startswith(f"image {upload.pk}: not announced")


def test_a_gone_redis_costs_each_of_many_threads_half_a_second(gone):
    with ThreadPoolExecutor(6) as pool:
        assert max(pool.map(seconds_to_announce, [image() for _ in range(6)])) < MOST


def test_messages_that_came_too_late_are_not_sent_afterwards(redis, point_at, monkeypatch):
    """A backlog would send each later image's message late as well."""
    point_at(redis.url)
    monkeypatch.setattr(announce, "MOST_SECONDS", 0.5)
    send, released = announce._send, threading.Event()

    def slow(*message) -> None:
        released.wait(30)
        send(*message)

    monkeypatch.setattr(announce, "_send", slow)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(announce.announce, [image() for _ in range(4)]))  # each gives up in its own time
    monkeypatch.setattr(announce, "MOST_SECONDS", 20)  # the one that was under way may take its time
    released.set()
    announce._sender().shutdown()
    assert len(redis.messages) == 1


def test_a_redis_that_returns_gets_the_next_message(patient, point_at, caplog):
    port = free_port()
    point_at(f"redis://127.0.0.1:{port}")
    announce.announce(image())
    assert len(warnings(caplog)) == 1
    with serving(port) as redis:
        announce.announce(image())
        assert len(redis.messages) == 1
    assert len(warnings(caplog)) == 1


def test_no_error_reaches_the_visitor(redis, point_at, monkeypatch, caplog):
    def broken(*_, **__):
        raise ValueError("broken")

    point_at(redis.url)
    monkeypatch.setattr(tasks.preview, "apply_async", broken)
    announce.announce(image())
    assert len(warnings(caplog)) == 1


@pytest.fixture
def eager(settings) -> Iterator[None]:
    """Tasks that run at once, in the process that sends them."""
    settings.CELERY_TASK_ALWAYS_EAGER = True
    tasks.preview.app.conf.task_always_eager = True
    yield
    # By assignment, because Celery's settings keep a key that monkeypatch deletes.
    tasks.preview.app.conf.task_always_eager = False


def test_an_eager_task_makes_the_preview_in_place(owner, redis, point_at, eager):
    point_at(redis.url)
    upload = owner.upload(PNG, kind="image", name="a.png")
    assert Upload.objects.get(pk=upload["id"]).has_preview
    assert redis.messages == []
