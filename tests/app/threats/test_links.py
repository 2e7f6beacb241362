"""Links and tokens: robots and forgers that use them, and their worthlessness after the end."""

import random
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.storage import default_storage as storage
from django.core.signing import Signer, TimestampSigner
from django.db import connection
from django.test import Client

from mayfly.uploads.choices import State
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from ...support.people import body_of, fetch, send
from ...support.robots import ROBOTS
from ...support.routes import (
    SECRET,
    secret,
    table,
)
from ...support.samples import PNG
from ...support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_robots_visit_changes_nothing(owner):
    """Case 35: HEAD, Range, prefetch and link previews change nothing, and the upload can still be fetched whole.

    The count of fetches alone has a plain GET and the first range of a download, as a person sends them.
    """
    upload = owner.upload(PNG, kind="image")
    before, client = table(), Client()
    for headers in ROBOTS:
        for method in ("GET", "HEAD"):
            assert client.generic(method, f"/u/{upload['id']}/", headers=headers).status_code == 200
            response = client.generic(method, f"/u/{upload['id']}/download", headers=headers)
            assert response.status_code == (302 if method == "GET" else 200)
            if response.get("Location", "").startswith("/"):
                client.generic(method, response["Location"], headers=headers).close()
    assert table() == before
    plain = [headers for headers in ROBOTS if headers.keys() <= {"Range", "If-None-Match", "If-Modified-Since"}]
    assert Upload.objects.get().fetched_count == len(plain) - 1  # without the range from byte 99 on
    assert body_of(fetch(client.get(f"/u/{upload['id']}/download")["Location"])) == PNG


def test_a_share_page_invites_no_robot_to_download(owner):
    """Case 35."""
    upload = owner.upload()
    text = Client().get(f"/u/{upload['id']}/").content.decode()
    assert '<meta name="robots" content="noindex">' in text
    assert re.search(rf'href="/u/{upload["id"]}/download" rel="nofollow"', text)


def test_parallel_downloads_all_get_the_bytes_and_change_nothing(owner):
    """Case 36."""
    upload = owner.upload(b"hello")
    before = table()

    def attempt(_):
        try:
            return body_of(fetch(Client().get(f"/u/{upload['id']}/download")["Location"]))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(attempt, range(12))) == {b"hello"}
    assert table() == before
    assert 1 <= Upload.objects.get().fetched_count <= 12


FORGED = ["198.51.100.1", "127.0.0.1", "unknown", "203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7", "x" * 5000, ""]


@pytest.mark.parametrize("trusted", [True, False])
def test_a_forged_address_does_not_evade_the_quota(settings, limits, trusted):
    """Case 37: a client may write anything before the address that our router adds."""
    settings.TRUST_PROXY = trusted
    limits(address_quota=12)
    mine = ", 203.0.113.7" if trusted else ""
    client = Client(REMOTE_ADDR="10.0.0.1" if trusted else "203.0.113.7")
    body = {"kind": "file", "name": "a", "size": 5}
    taken = []
    for forged in FORGED:
        headers = {
            "X-Forwarded-For": f"{forged}{mine}",
            "X-Real-IP": forged,
            "Forwarded": f"for={forged}",
            "Client-IP": forged,
            "True-Client-IP": forged,
        }
        taken.append(client.post("/api/uploads", body, "application/json", headers=headers).status_code)
    assert taken == [201, 201] + [429] * (len(FORGED) - 2)
    assert Upload.objects.values("address").distinct().count() == 1


def test_links_never_contain_a_foreign_host(owner):
    """Case 39: links contain the host of the request, so a request with a forged host is refused."""
    upload = owner.upload()
    for host in ("evil.example", "testserver.evil.example", "testserver@evil.example", "evil.example:80"):
        response = Client().get(f"/api/uploads/{upload['id']}", headers=owner.headers | {"Host": host})
        assert response.status_code == 400
        assert b"evil" not in response.content
    answer = Client().get(f"/api/uploads/{upload['id']}", headers=owner.headers | {"X-Forwarded-Host": "evil.example"})
    assert answer.json()["link"].startswith("http://testserver/")


@pytest.mark.slow
def test_an_old_download_url_gives_nothing_after_the_deadline(owner):
    """Case 33: the test waits for the deadline, and changes no row."""
    upload = secret(owner, lifetime=5)
    kept = Client().get(f"/u/{upload['id']}/download")["Location"]
    assert body_of(fetch(kept)) == SECRET.encode()
    until(lambda: Client().get(f"/u/{upload['id']}/download").status_code == 410, seconds=30)
    until(lambda: fetch(kept).status_code == 403, seconds=1)
    assert SECRET.encode() not in body_of(fetch(kept))


def test_links_and_signed_urls_are_useless_after_a_clear(owner):
    """Case 41: part URLs, a download URL and the link. The box's token opens an empty box."""
    ready, pending = owner.upload(b"hello"), owner.begin(b"hello")
    [part] = owner.sign(pending, 1)
    link, download = ready["link"], Client().get(f"/u/{ready['id']}/download")["Location"]
    assert owner.delete("/api/uploads").status_code == 204
    assert send(part, b"hello") in (403, 404)
    assert fetch(download).status_code == 404
    assert Client().get(link).status_code == 410
    assert owner.get("/api/uploads").json() == {"uploads": [], "next": None}
    assert owner.post(f"/api/uploads/{pending['id']}/complete").status_code == 404
    assert owner.post(f"/api/uploads/{pending['id']}/parts", {"numbers": [1]}).status_code == 404
    assert not [
        found for found in storage.objects("uploads/") if ready["id"] in found.key or pending["id"] in found.key
    ]
    assert {row["state"] for row in table()} == {State.GONE}


def test_a_token_signed_with_another_key_opens_no_box(owner):
    """Case 41: a new SECRET_KEY revokes all tokens at once."""
    for signer in (TimestampSigner(key="another", salt="mayfly.box.aged"), Signer(key="another", salt="mayfly.box")):
        headers = {"Authorization": f"Bearer {signer.sign(owner.box)}"}
        assert Client().get("/api/uploads", headers=headers).status_code == 401


def test_ids_cannot_be_guessed_or_counted():
    """Case 30: every place of an id takes every letter and digit, and no seed of `random` matters."""
    ids = []
    for seed in range(2000):
        random.seed(seed % 2)
        ids.append((new_id(), boxes.new()))
    for kind in zip(*ids, strict=True):
        assert len(set(kind)) == len(kind)
        assert {len(pk) for pk in kind} == {22}
        assert [len(set(place)) for place in zip(*kind, strict=True)] == [62] * 22
