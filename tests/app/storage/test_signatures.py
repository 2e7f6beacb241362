"""A signed URL allows one request for a short time, and nothing else. moto checks no signatures, so it is left out."""

import re
import time
from datetime import timedelta

import pytest

from mayfly.storage.s3.presign import LONGEST_LIFE

from ...support.storages import MINUTE, stored

pytest_plugins = ["tests.support.storages"]
SECOND = timedelta(seconds=1)


@pytest.fixture
def transfer_id(strict_storage, key):
    return strict_storage.open_transfer(key, content_type="application/octet-stream")


def signed_part(storage, key, transfer_id, *, number=1, size=7, lifetime=MINUTE):
    return storage.sign_part(key, transfer_id, number, size, lifetime=lifetime).url


def signed_download(storage, key, *, lifetime=MINUTE):
    return storage.sign_download(key, name="a.txt", content_type="text/plain", lifetime=lifetime)


def every_change(url):
    """The URL with each of its claims changed in turn: the object, the deadline, the signature."""
    if url.startswith("/"):
        head, token = url.rsplit("/", 1)
        payload, signature = token.split(":")
        middle = len(payload) // 2
        swapped = "A" if payload[middle] != "A" else "B"
        yield f"{head}/{payload[:middle]}{swapped}{payload[middle + 1 :]}:{signature}"
        yield f"{head}/{payload}:{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}"
        yield f"{head}/{payload}"
        return
    yield re.sub("X-Amz-Expires=[0-9]+", f"X-Amz-Expires={LONGEST_LIFE}", url)
    yield re.sub("X-Amz-Signature=.", lambda found: found[0][:-1] + ("0" if found[0][-1] != "0" else "1"), url)
    yield re.sub("(X-Amz-Date=[0-9]{8}T[0-9]{5})([0-9])", lambda found: f"{found[1]}{(int(found[2]) + 1) % 10}", url)
    for name in ("partNumber=1", "response-content-type=text%2Fplain", "response-cache-control=no-store"):
        if name in url:
            yield url.replace(name, f"{name}1")


def test_an_expired_part_url_is_refused(strict_storage, key, transfer_id, world):
    url = signed_part(strict_storage, key, transfer_id, lifetime=SECOND)
    time.sleep(1.2)
    assert world.put(url, b"content").status == 403
    assert strict_storage.parts(key, transfer_id) == {}


def test_an_expired_download_url_is_refused(strict_storage, key, world):
    stored(strict_storage, key, b"content")
    url = signed_download(strict_storage, key, lifetime=SECOND)
    time.sleep(1.2)
    assert world.get(url).status == 403


def test_a_changed_part_url_is_refused(strict_storage, key, transfer_id, world):
    for changed in every_change(signed_part(strict_storage, key, transfer_id)):
        assert world.put(changed, b"content").status == 403, changed
    assert strict_storage.parts(key, transfer_id) == {}


def test_a_changed_download_url_is_refused(strict_storage, key, world):
    stored(strict_storage, key, b"content")
    url = signed_download(strict_storage, key)
    assert world.get(url).status == 200
    for changed in every_change(url):
        assert world.get(changed).status == 403, changed


@pytest.mark.parametrize("content", [b"", b"conten", b"content+", b"c" * 100_000])
def test_a_part_of_a_wrong_length_is_refused(strict_storage, key, transfer_id, world, content):
    """Case 9."""
    assert world.put(signed_part(strict_storage, key, transfer_id), content).status in (403, 411)
    assert strict_storage.parts(key, transfer_id) == {}


def test_a_grant_to_read_is_no_grant_to_write(strict_storage, key, transfer_id, world):
    fetched = world.put(signed_download(strict_storage, key), b"content")
    assert fetched.status in (403, 405)
    assert strict_storage.length(key) is None
    assert world.get(signed_part(strict_storage, key, transfer_id)).status in (403, 405)


def test_a_grant_for_one_key_is_none_for_another(strict_storage, key, transfer_id, world):
    """Case 13."""
    other = f"{key}-other"
    other_id = strict_storage.open_transfer(other, content_type="text/plain")
    mine, theirs = (signed_part(strict_storage, *which) for which in ((key, transfer_id), (other, other_id)))
    for url in _mixed(mine, theirs, key, other):
        assert world.put(url, b"content").status == 403, url
    assert strict_storage.parts(other, other_id) == {}
    strict_storage.abort_transfers(other)


def _mixed(mine, theirs, key, other):
    """URLs for another key with the signature of our own."""
    if mine.startswith("/"):
        return [f"{theirs.rsplit(':', 1)[0]}:{mine.rsplit(':', 1)[1]}"]
    signature = re.search("X-Amz-Signature=.*", mine)[0]
    return [mine.replace(key, other), re.sub("X-Amz-Signature=.*", signature, theirs)]
