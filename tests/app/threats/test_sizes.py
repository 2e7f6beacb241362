"""Arriving bytes that are too many or too few, and lengths that are invalid."""

import random

import pytest
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.uploads.models import Upload

from ...support.making import is_empty
from ...support.people import send
from ...support.transfers import PART, REFUSED, row

pytestmark = pytest.mark.django_db


def test_an_upload_never_exceeds_its_declared_size(owner, small_parts):
    """Case 9: no part takes a byte more, and there is no part beyond the plan."""
    content = random.randbytes(2 * PART + 3)
    upload = owner.begin(content)
    parts = owner.sign(upload, 1, 2, 3)
    assert [part["size"] for part in parts] == [PART, PART, 3]
    assert send(parts[0], content[: PART + 1]) in REFUSED
    assert send(parts[2], b"more") in REFUSED
    assert send(parts[2], content[:PART]) in REFUSED
    assert owner.post(f"/api/uploads/{upload['id']}/parts", {"numbers": [4]}).status_code == 400
    assert owner.get(f"/api/uploads/{upload['id']}/parts").json() == {"parts": []}
    owner.send_parts(upload, content)
    assert owner.complete(upload).json()["size"] == len(content)
    assert storage.length(row(upload).key) == len(content)


def test_bytes_written_without_a_signature_are_refused(owner, small_parts):
    """Case 9: `complete` counts what storage has, and believes nobody."""
    content = random.randbytes(PART + 3)
    upload = row(owner.begin(content))
    storage.write_part(upload.key, upload.transfer_id, 1, content[:PART])
    storage.write_part(upload.key, upload.transfer_id, 2, content[PART:] + b"!")
    response = owner.post(f"/api/uploads/{upload.pk}/complete")
    assert response.status_code == 422
    assert is_empty(upload)


NO_LENGTHS = ["", "-1", "+5", "5.0", "0x5", "5, 5", "5 5", "five", "²", "9" * 5000]


def test_an_invalid_content_length_is_refused_and_leaves_nothing():
    """Case 10."""
    for length in NO_LENGTHS:
        response = Client().generic("PUT", "/a.txt", b"hello", CONTENT_LENGTH=length)
        assert response.status_code in (400, 411), length
    assert not Upload.objects.exists()


@pytest.mark.parametrize("length", NO_LENGTHS)
def test_a_form_with_an_invalid_length_is_refused_and_leaves_nothing(owner, length):
    """Case 10."""
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--b--\r\n'
    for path in ("/files/", "/images/"):
        response = owner.browser.generic(
            "POST", path, form, "multipart/form-data; boundary=b", headers={"Content-Length": length}
        )
        assert response.status_code == 400
    assert not Upload.objects.exists()


NO_SIZES = ["-1", "0", "-0", "NaN", "Infinity", "-Infinity", "1e400", "5e0", "5.5", '"5"', "[5]", "0x5", "9" * 5000]


def test_an_invalid_size_gets_400(owner):
    """Case 11."""
    for size in NO_SIZES:
        response = owner.post("/api/uploads", f'{{"kind": "file", "name": "a", "size": {size}}}')
        assert response.status_code == 400, size
    assert not Upload.objects.exists()


def test_a_huge_size_gets_413(owner):
    """Case 11."""
    for size in (2**63 - 1, 2**63, 2**64 + 5, 10**400):
        response = owner.post("/api/uploads", {"kind": "file", "name": "a", "size": size})
        assert response.status_code == 413, size
    assert not Upload.objects.exists()
