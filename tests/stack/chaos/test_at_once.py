"""Many clients at the same moment: quotas stay exact, and cleared uploads do not come back."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from tests.support.samples import PNG

from ..conftest import URL, until
from . import stack
from .stack import HTTP, PATIENT_HTTP

CLIENTS = 50
IMAGES_KEPT = 3
BOX_QUOTA = 8_192_000_000
ADDRESS_QUOTA = 32_768_000_000
LARGEST = 4_096_000_000


@contextmanager
def looking_on(look: Callable[[], object]) -> Iterator[list]:
    """Call `look` again and again during the block; gives a list of everything that it returned."""
    seen, over = [], threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.append(look())
            time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield seen
        finally:
            over.set()
        watching.result()


def at_once(calls: Iterable[Callable]) -> list:
    """Make these calls at the same moment; returns their answers."""
    calls = list(calls)
    together = threading.Barrier(len(calls))

    def one(call: Callable):
        together.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def post(path: str, token: str = "", **more) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return PATIENT_HTTP.post(f"{URL}{path}", headers=headers | more.pop("headers", {}), **more)


def delete(path: str, token: str, **more) -> httpx.Response:
    return PATIENT_HTTP.delete(f"{URL}{path}", headers={"Authorization": f"Bearer {token}"}, **more)


def test_fifty_images_completed_at_once_leave_the_newest_three(visitor, bucket, table):
    """Case 28."""
    images = [visitor.begin(PNG, kind="image", name=f"dot-{number}.png") for number in range(CLIENTS)]
    token = visitor.token
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda image: visitor.send_parts(image, PNG), images))
    visible = "SELECT count(*) FROM uploads_upload WHERE kind = 'image' AND state = 'ready'"
    with (
        looking_on(lambda: len(visitor.list("image"))) as listed,
        looking_on(lambda: table(visible)[0][0]) as counted,
    ):
        answers = at_once(partial(post, f"/api/uploads/{image['id']}/complete", token) for image in images)
    # 410: the image was ready, and newer ones replaced it before the answer was written.
    assert {answer.status_code for answer in answers} <= {200, 410}
    assert max(listed) <= IMAGES_KEPT
    assert max(counted) <= IMAGES_KEPT
    in_order = [pk for (pk,) in table("SELECT id FROM uploads_upload ORDER BY completed_at DESC, id DESC")]
    assert len(in_order) == CLIENTS
    newest = in_order[:IMAGES_KEPT]
    assert [image["id"] for image in visitor.list("image")] == newest
    visitor.browser.cookies.set("box", token)
    page = visitor.browser.get("/images/").text
    named = {image["name"] for image in images if image["name"] in page}
    assert named == {image["name"] for image in images if image["id"] in newest}
    until(lambda: bucket.keys("uploads/") == {f"uploads/{pk}" for pk in newest}, seconds=stack.LATE)
    assert bucket.transfers() == set()
    assert all(HTTP.get(image["link"]).status_code == (200 if image["id"] in newest else 410) for image in images)


@pytest.mark.parametrize("kind", ["file", "image"])
def test_clear_during_transfers_leaves_nothing_behind(visitor, bucket, table, kind, say):
    """Cases 17 and 29. Clients begin, send, complete and clear in every order."""
    content = PNG + random.randbytes(100_000)
    visitor.upload(content, kind=kind)
    token = visitor.token
    urls, completed, ended = {}, [], threading.Semaphore(0)

    def send(url: str) -> int:
        """As the page does, send a part again if storage fails: LocalStack may, while it closes the part's transfer."""
        for _ in range(5):
            status = HTTP.put(url, content=content).status_code
            if status < 500:
                break
        return status

    def transfer() -> None:
        """A clear may interrupt the transfer at every step: 410 or 404, or the answer of a closed transfer."""
        body = {"kind": kind, "name": "x.png", "size": len(content)}
        begun = post("/api/uploads", token, json=body)
        assert begun.status_code in (201, 410)
        if begun.status_code == 410:
            return
        path = f"/api/uploads/{begun.json()['id']}"
        signed = post(f"{path}/parts", token, json={"numbers": [1]})
        assert signed.status_code in (200, 404, 410)
        if signed.status_code != 200:
            return
        urls[path] = signed.json()["parts"][0]["url"]
        assert send(urls[path]) in (200, 404)
        completed.append(post(f"{path}/complete", token).status_code)

    def client() -> None:
        for _ in range(5):
            transfer()
            ended.release()

    def clear() -> int:
        return delete("/api/uploads", token, params={"kind": kind}).status_code

    def clear_now_and_then() -> None:
        for _ in range(8):
            for _ in range(4):
                ended.acquire()
            assert clear() == 204

    at_once([client] * 8 + [clear_now_and_then])
    # 503: its object went just before its first bytes were read. The second call, below, finds it gone.
    assert set(completed) <= {200, 404, 409, 410, 422, 503}
    assert clear() == 204  # the last transfers began after the other clears

    def left() -> list:
        standing = table("SELECT id FROM uploads_upload WHERE state <> 'gone'")
        return [*visitor.list(), *standing, *bucket.keys("uploads/"), *bucket.transfers()]

    assert visitor.list() == []
    until(lambda: not left(), seconds=stack.LATE)
    assert {send(url) for url in urls.values()} == {404}
    assert {post(f"{path}/complete", token).status_code for path in urls} <= {404, 410, 422}
    stack.one_sweep(table)
    assert left() == []
    answers = {status: completed.count(status) for status in sorted(set(completed))}
    say(f"chaos: clear met {len(urls)} {kind} transfers, whose complete had answered {answers}")


def test_a_deletion_is_complete_when_its_answer_comes(visitor, bucket):
    """204 means that storage has removed the bytes; if storage answers, nothing is left to the sweep."""
    uploads = [visitor.upload(b"hello", name=str(number)) for number in range(20)]
    pending = visitor.begin(b"hello")
    visitor.send_parts(pending, b"hello")
    assert visitor.api.delete("/api/uploads").status_code == 204
    assert bucket.keys("uploads/") == set()
    assert bucket.transfers() == set()
    assert {HTTP.get(upload["link"]).status_code for upload in uploads} == {410}


def test_fifty_hostile_clients_stay_within_the_quota_of_a_box(visitor, table):
    """Declared sizes count at once, so the clients need not send anything."""
    visitor.begin(b"x")
    token = visitor.token
    used = "SELECT coalesce(sum(size), 0) FROM uploads_upload WHERE state IN ('pending', 'ready')"
    sizes = [random.randrange(50_000_000, 900_000_000) for _ in range(CLIENTS)]

    def begin(size: int) -> httpx.Response:
        return post("/api/uploads", token, json={"kind": "file", "name": "x", "size": size})

    with looking_on(lambda: table(used)[0][0]) as seen:
        answers = at_once(partial(begin, size) for size in sizes)
    assert {answer.status_code for answer in answers} == {201, 413}
    [(total,)] = table(used)
    taken = sum(size for size, answer in zip(sizes, answers, strict=True) if answer.status_code == 201)
    assert total == taken + 1
    assert max(seen) <= total <= BOX_QUOTA
    # Nothing was freed meanwhile, so a size that was refused does not fit now either.
    assert all(
        total + size > BOX_QUOTA for size, answer in zip(sizes, answers, strict=True) if answer.status_code == 413
    )
    # Exactly one of many clients gets the rest, to the byte.
    rest = BOX_QUOTA - int(total)
    last = at_once([partial(begin, rest)] * 10)
    assert sorted(answer.status_code for answer in last) == [201] + [413] * 9
    assert table(used) == [(BOX_QUOTA,)]
    assert begin(1).json()["error"]["code"] == "box_full"


def test_begin_and_delete_at_once_stay_within_the_quota_of_a_box(visitor, table):
    visitor.begin(b"x")
    token = visitor.token
    used = "SELECT coalesce(sum(size), 0) FROM uploads_upload WHERE state IN ('pending', 'ready')"

    def hostile() -> httpx.Response:
        for _ in range(4):
            size = random.randrange(500_000_000, LARGEST)
            answer = post("/api/uploads", token, json={"kind": "file", "name": "x", "size": size})
            if answer.status_code == 201:
                delete(f"/api/uploads/{answer.json()['id']}", token)
        return answer

    with looking_on(lambda: table(used)[0][0]) as seen:
        at_once([hostile] * 20)
    assert 1 < max(seen) <= BOX_QUOTA
    assert table(used) == [(1,)]  # every byte was given back


def test_fifty_boxes_of_one_address_stay_within_its_quota(table):
    """Case 37. An address that a client claims in a header changes nothing."""
    sizes = [random.randrange(300_000_000, LARGEST) for _ in range(CLIENTS)]
    used = "SELECT coalesce(sum(size), 0) FROM uploads_upload WHERE state IN ('pending', 'ready')"

    def begin(size: int) -> httpx.Response:
        claimed = {"X-Forwarded-For": f"203.0.113.{random.randrange(256)}"}
        return post("/api/uploads", json={"kind": "file", "name": "x", "size": size}, headers=claimed)

    with looking_on(lambda: table(used)[0][0]) as seen:
        answers = at_once(partial(begin, size) for size in sizes)
    assert {answer.status_code for answer in answers} == {201, 429}
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 429} == {"address_full"}
    [(total,)] = table(used)
    assert max(seen) <= total <= ADDRESS_QUOTA
    assert all(
        total + size > ADDRESS_QUOTA for size, answer in zip(sizes, answers, strict=True) if answer.status_code == 429
    )
    assert len(table("SELECT DISTINCT box FROM uploads_upload")) == sum(answer.status_code == 201 for answer in answers)
    # Take the rest in pieces that one upload may have; then not one byte more.
    rest = ADDRESS_QUOTA - int(total)
    while rest:
        piece = min(rest, LARGEST)
        assert begin(piece).status_code == 201
        rest -= piece
    assert table(used) == [(ADDRESS_QUOTA,)]
    assert {answer.status_code for answer in at_once([partial(begin, 1)] * 10)} == {429}
    assert table(used) == [(ADDRESS_QUOTA,)]
