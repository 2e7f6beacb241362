"""Parts that arrive after the end, or in another box."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.test import Client

from mayfly.uploads import lifecycle
from mayfly.uploads.choices import State
from mayfly.uploads.errors import Gone
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload

from ...support.making import expire, is_empty, state
from ...support.operators import take_down
from ...support.people import Person, send
from ...support.samples import PNG
from ...support.transfers import PART, REFUSED, content_of, row

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_old_part_url_overwrites_no_complete_upload(owner, small_parts):
    """Case 16: and no new one is signed."""
    content, other = random.randbytes(PART + 3), random.randbytes(PART + 3)
    upload = owner.begin(content)
    kept = owner.sign(upload, 1, 2)
    owner.send_parts(upload, content)
    assert owner.complete(upload).status_code == 200
    before = row(upload)
    assert [send(part, other[start:][: part["size"]]) for part, start in zip(kept, (0, PART), strict=True)] == [404] * 2
    assert owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [1]}).status_code == 410
    assert owner.complete(upload).status_code == 200
    assert content_of(upload) == content
    assert (row(upload).completed_at, row(upload).expires_at) == (before.completed_at, before.expires_at)


def deleted(owner, upload) -> None:
    assert owner.delete(f"/api/uploads/{upload['id']}").status_code == 204


def cleared(owner, upload) -> None:
    assert owner.browser.post("/images/clear/").status_code == 303


def expired(owner, upload) -> None:
    expire(upload)
    lifecycle.sweep(storage=storage)


def pushed_out(owner, upload) -> None:
    for _ in range(limits.images_kept):
        owner.upload(PNG, kind="image")


def taken_down(owner, upload) -> None:
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    take_down(operator, upload["id"])


@pytest.mark.parametrize("whole", [True, False], ids=["ready", "pending"])
@pytest.mark.parametrize("removed", [deleted, cleared, expired, pushed_out, taken_down])
def test_an_old_part_url_restores_no_removed_upload(owner, removed, whole):
    """Case 17: whoever removed it, and however far it had come."""
    upload = owner.begin(PNG, kind="image")
    kept = owner.sign(upload, 1)
    owner.send_parts(upload, PNG)
    begun = row(upload)
    if whole:
        assert owner.complete(upload).status_code == 200
    elif removed is pushed_out:
        deleted(owner, upload)  # only what is ready is pushed out
    removed(owner, upload)
    assert state(begun) == (State.GONE if whole else None)
    assert send(kept[0], PNG) in REFUSED
    status = 410 if whole else 404
    assert owner.complete(upload).status_code == status
    assert owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [1]}).status_code == status
    assert is_empty(begun)
    assert not [found for found in storage.transfers("uploads/") if found.key == begun.key]


def test_a_stranger_cannot_sign_list_complete_or_delete_an_upload(owner, stranger):
    """Case 18: by token, by cookie, and with a box of no one; its owner goes on as if nobody had tried."""
    upload = owner.begin(b"hello")
    owner.send_parts(upload, b"hello")
    ways = (Client(), {"headers": stranger.headers}), (stranger.browser, {}), (Client(), {})
    for client, more in ways:
        for method, route in [
            ("POST", "/parts"),
            ("GET", "/parts"),
            ("POST", "/complete"),
            ("DELETE", ""),
            ("GET", ""),
        ]:
            body = {"data": '{"numbers": [1]}', "content_type": "application/json"} if method == "POST" else {}
            response = client.generic(method, f"/api/uploads/{upload['id']}{route}", **body, **more)
            assert response.status_code in (401, 404), route
            assert b"/storage/" not in response.content
            assert b"X-Amz" not in response.content
        assert client.post(f"/u/{upload['id']}/delete", **more).status_code == 404
        assert client.delete("/api/uploads", **more).status_code == 204  # of their own box
    assert row(upload).state == State.PENDING
    assert owner.get(f"/api/uploads/{upload['id']}/parts").json() == {"parts": [{"number": 1, "size": 5}]}
    assert owner.complete(upload).status_code == 200
    assert content_of(upload) == b"hello"


def test_a_clear_during_running_uploads_leaves_nothing(owner):
    """Case 29."""

    begun = []

    def attempt(_):
        try:
            upload = Person(owner.box).begin()
            begun.append(upload["id"])
            Person(owner.box).send_parts(upload, b"hello")
            owner.complete(upload)
        except (AssertionError, Gone):  # cleared at some step: the client is told 404 or 410, and gives up
            pass
        finally:
            connection.close()

    def clear(_):
        try:
            owner.delete("/api/uploads")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(clear if number % 3 == 2 else attempt, number) for number in range(12)]
        for done in work:
            done.result()
    owner.delete("/api/uploads")
    # A part that arrives during an abort keeps the transfer open; the next sweep aborts it again.
    lifecycle.sweep(storage=storage)
    assert begun
    assert set(Upload.objects.of(owner.box).values_list("state", flat=True)) <= {State.GONE}
    keys = {f"uploads/{pk}" for pk in begun}
    assert not keys & {found.key for found in storage.objects("uploads/")}
    assert not keys & {found.key for found in storage.transfers("uploads/")}
