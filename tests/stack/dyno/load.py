"""Visitors who use the app without pause, and a ledger of the answers that they got."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.support.patient import Patient
from tests.support.samples import PNG

from ..conftest import Visitor


@dataclass
class Ledger:
    """The uploads that the app confirmed, by id, and every wrong answer."""

    kept: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    requests: int = 0


class Load:
    """This many visitors at once, each doing one thing after another. Use as a context manager."""

    def __init__(self, visitors: int, *, pause: float = 0.05):
        self.ledger = Ledger()
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._use, daemon=True) for _ in range(visitors)]

    def __enter__(self) -> Ledger:
        for thread in self._threads:
            thread.start()
        return self.ledger

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(120)

    def _use(self) -> None:
        visitor = patient_visitor()
        for client in (visitor.api, visitor.browser):
            client.event_hooks = {"response": [self._look]}
        while not self._stop.is_set():
            act = random.choice(ACTS)
            try:
                act(visitor, self.ledger)
            except Exception as error:
                self.ledger.wrong.append(f"{act.__name__}: {type(error).__name__}: {str(error)[:300]}")
            self._stop.wait(self._pause)

    def _look(self, response: httpx.Response) -> None:
        self.ledger.requests += 1
        if response.status_code >= 500:
            self.ledger.wrong.append(f"{response.request.method} {response.request.url.path}: {response.status_code}")


def patient_visitor() -> Visitor:
    # The router holds a request for 75 s while a dyno boots.
    return Visitor(lambda **options: httpx.Client(transport=Patient(), timeout=100, **options))


def look(visitor: Visitor, ledger: Ledger) -> None:
    assert visitor.browser.get(random.choice(["/images/", "/files/", "/health/live"])).status_code == 200


def send_and_keep(visitor: Visitor, ledger: Ledger) -> None:
    content = random.randbytes(random.randint(1, 200_000))
    upload = visitor.upload(content)
    ledger.kept.add(upload["id"])
    download = visitor.api.get(upload["download"], follow_redirects=False)
    assert download.status_code == 302
    assert httpx.get(download.headers["Location"], timeout=60).content == content


def send_and_remove(visitor: Visitor, ledger: Ledger) -> None:
    upload = visitor.upload(b"not for long")
    ledger.gone.add(upload["id"])
    assert visitor.api.delete(f"/api/uploads/{upload['id']}").status_code == 204


def send_for_a_second(visitor: Visitor, ledger: Ledger) -> None:
    upload = visitor.begin(b"a second", lifetime=1)
    visitor.send_parts(upload, b"a second")
    ledger.gone.add(upload["id"])
    # A complete whose answer a restart took is asked again, and its second may be over by then.
    answer = visitor.complete(upload)
    assert answer.status_code in (200, 410), answer.content


def send_a_form(visitor: Visitor, ledger: Ledger) -> None:
    assert visitor.submit("/images/", files={"a.png": PNG}).status_code == 303


def send_large(visitor: Visitor, ledger: Ledger) -> None:
    """Send three parts. Web signs and completes them; their bytes go to storage."""
    upload = visitor.upload(random.randbytes(17_000_000))
    ledger.kept.add(upload["id"])


class Slowly(httpx.SyncByteStream):
    """A body over a slow line. It can be sent again."""

    def __iter__(self):
        for _ in range(16):
            yield random.randbytes(2000)
            time.sleep(0.25)


def put_slowly(visitor: Visitor, ledger: Ledger) -> None:
    """Send over a slow line, so that a restart probably happens during the request."""
    with SLOW_LINES:
        answer = visitor.api.put("/slowly.txt", content=Slowly(), headers={"Content-Length": "32000"})
    assert answer.status_code in (200, 201), answer.text


def put(visitor: Visitor, ledger: Ledger) -> None:
    answer = visitor.api.put("/notes.txt", content=random.randbytes(300_000))
    assert answer.status_code in (200, 201), answer.text


SLOW_LINES = threading.Semaphore(2)  # as many as a dyno has places
ACTS: list[Callable[[Visitor, Ledger], None]] = [
    *[look] * 4,
    *[send_and_keep] * 2,
    send_and_remove,
    *[send_for_a_second] * 2,
    send_a_form,
    send_large,
    put,
    put_slowly,
]


def settled(ledger: Ledger, *, table: Callable, bucket, seconds: float) -> None:
    """Wait until table and bucket have lost every removed upload, and check that they have every other one."""
    deadline = time.monotonic() + seconds
    while True:
        states = dict(table("SELECT id::text, state FROM uploads_upload"))
        keys = bucket.keys("uploads/")
        standing = {id for id in ledger.gone if states.get(id, "gone") != "gone" or f"uploads/{id}" in keys}
        if not standing:
            break
        assert time.monotonic() < deadline, f"{len(standing)} of {len(ledger.gone)} are still there"
        time.sleep(0.5)
    lost = {id for id in ledger.kept if states.get(id) != "ready" or f"uploads/{id}" not in keys}
    assert not lost
