"""A bundle from outside: sent to S3, and fetched as a ZIP that web makes of it and nginx passes on."""

import io
import random
from zipfile import ZipFile

import httpx


def test_a_bundle_comes_back_as_one_zip_and_goes_as_one(visitor, bucket):
    contents = {"large.bin": random.randbytes(12 * 1024 * 1024 + 5), "Größe.txt": b"hello", "more.txt": b"more"}
    first = visitor.begin(b"alone")  # makes the box
    bundle = visitor.bundle(contents, title="Yesterday")
    answer = httpx.get(bundle["zip"], timeout=60)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["Accept-Ranges"] == "none"
    with ZipFile(io.BytesIO(answer.content)) as opened:
        assert {info.filename: opened.read(info) for info in opened.infolist()} == contents
    assert all(bucket.has(upload) for upload in bundle["uploads"])
    assert visitor.delete(f"/api/bundles/{bundle['id']}").status_code == 204
    assert httpx.get(bundle["link"]).status_code == httpx.get(bundle["zip"]).status_code == 410
    assert not any(bucket.has(upload) for upload in bundle["uploads"])
    assert visitor.get(f"/api/uploads/{first['id']}").status_code == 200
