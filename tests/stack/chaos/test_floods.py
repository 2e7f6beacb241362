"""One hostile client at a time: slow bodies through nginx, and completes while storage hangs."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.support.trickle import KINDS, Trickle

from ..conftest import URL, until
from . import stack
from .stack import HTTP

CONNECTIONS = 40
SECONDS = min(30.0, stack.SECONDS / 2)  # of each flood


@contextmanager
def paused(service: str) -> Iterator[None]:
    """Let a service hang: its connections stay open and nothing answers."""
    stack.docker("pause", stack.container(service))
    try:
        yield
    finally:
        stack.docker("unpause", stack.container(service))


def seconds_for(path: str) -> float:
    """How long a page takes. It does not wait until a slow body has used up its time, which is 10 s."""
    began = time.monotonic()
    assert HTTP.get(f"{URL}{path}", timeout=5).status_code == 200
    return time.monotonic() - began


@pytest.mark.parametrize("again", [0.5, 0.0], ids=["with a pause", "without a pause"])
@pytest.mark.parametrize("kinds", [*((kind,) for kind in KINDS), tuple(KINDS)], ids="-".join)
def test_slow_bodies_hold_no_page_and_no_upload_to_storage(bucket, kinds, again, say):
    """Case 62. Every page is answered, and every upload whose bytes go straight to storage succeeds.

    All come from one address, so a call of the API may have to come again, as the page's own script does.
    """
    visitor = stack.Visitor(stack.patient_client)
    times, uploads = [], 0
    with Trickle(URL, kinds=kinds, connections=CONNECTIONS, again=again, seconds=SECONDS) as flood:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            times.append(seconds_for("/images/"))
            visitor.upload(b"hello")
            uploads += 1
            time.sleep(0.5)
    # 0: nginx ran out of connections, and closed one that it had answered before the client read that.
    assert set(flood.answers) <= ({408, 503} if again else {0, 408, 503})
    figures = f"{len(times)} pages, the slowest {max(times):.2f} s; {uploads} uploads"
    say(f"floods: {kinds}, again after {again} s: {figures}; {dict(flood.answers)}")
    assert len(visitor.list()) == uploads


def test_six_bodies_of_one_address_are_open_at_once(say):
    """Case 62. nginx itself refuses the others, so they cost web nothing."""
    with Trickle(URL, kinds=("put",), connections=12, pause=0.5, seconds=5) as flood:
        until(lambda: flood.answers[503] >= 6, seconds=30)
    refused = HTTP.put(f"{URL}/a.txt", content=b"a")
    until(lambda: HTTP.put(f"{URL}/a.txt", content=b"a").status_code == 201, seconds=30)
    say(f"floods: right after the bodies had ended, a seventh got {refused.status_code}")


def test_completes_of_one_upload_hold_two_threads_of_a_process(visitor, table, say):
    """Case 63. Storage hangs, and ten calls for one upload neither hold up a page nor spoil the upload."""
    upload = visitor.begin(b"hello")
    visitor.send_parts(upload, b"hello")
    path = f"/api/uploads/{upload['id']}/complete"
    own = {"Authorization": f"Bearer {visitor.token}"}

    def complete(_: int) -> httpx.Response:
        return HTTP.post(f"{URL}{path}", headers=own)

    with ThreadPoolExecutor(10) as pool:
        with paused("localstack"):
            answers = pool.map(complete, range(10))
            until(lambda: table("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"), seconds=20)
            times = [seconds_for("/health/live") for _ in range(10)]
        statuses = [answer.status_code for answer in answers]
    assert statuses.count(503) >= 6
    assert set(statuses) <= {200, 503}
    say(f"floods: ten completes got {statuses}; the slowest probe took {max(times):.2f} s")
    until(lambda: complete(0).status_code == 200, seconds=60)


def test_completes_of_many_uploads_leave_threads_to_pages(visitor, say):
    """Case 88. Storage hangs, and ten calls for ten uploads hold up no page; later each upload turns ready."""
    uploads = [visitor.begin(b"hello", name=str(number)) for number in range(10)]
    for upload in uploads:
        visitor.send_parts(upload, b"hello")
    own = {"Authorization": f"Bearer {visitor.token}"}

    def complete(upload: dict) -> httpx.Response:
        return HTTP.post(f"{URL}/api/uploads/{upload['id']}/complete", headers=own)

    with ThreadPoolExecutor(10) as pool:
        with paused("localstack"):
            answers = [pool.submit(complete, upload) for upload in uploads]
            # Two processes have three places each.
            until(lambda: sum(answer.done() for answer in answers) >= 4, seconds=20)
            times = [seconds_for(path) for path in ("/health/live", "/images/") * 5]
        statuses = [answer.result().status_code for answer in answers]
    assert statuses.count(503) >= 4
    assert set(statuses) <= {200, 503}
    say(f"floods: completes of ten uploads got {statuses}; the slowest page took {max(times):.2f} s")
    for upload in uploads:
        until(lambda upload=upload: complete(upload).status_code == 200, seconds=60)
