"""The app's own routes for parts and downloads: exact lengths, ranges, and errors with a way out."""

import http.client
import json
import os
import threading
import tracemalloc
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory

from mayfly.api import bytes as served
from mayfly.storage.protocol import StorageError

from ...support.people import body_of
from ...support.storages import MINUTE, stored

pytest_plugins = ["tests.support.storages"]
KEY = "uploads/a"
CONTENT = b"0123456789"
OVER = timedelta(seconds=-1)


@pytest.fixture
def client():
    """A client with CSRF checks, as a browser meets them."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def transfer_id(local):
    return local.open_transfer(KEY, content_type="text/plain")


def part_url(storage, transfer_id, *, size=10, lifetime=MINUTE):
    return storage.sign_part(KEY, transfer_id, 1, size, lifetime=lifetime).url


def download_url(storage, *, name="a.txt", content_type="text/html", lifetime=MINUTE):
    return storage.sign_download(KEY, name=name, content_type=content_type, lifetime=lifetime)


def put(client, url, content, length=None):
    """PUT with this Content-Length, which may be false. None stands for the true one."""
    length = str(len(content)) if length is None else length
    return client.generic("PUT", url, content, "application/octet-stream", headers={"Content-Length": length})


def assert_error(response, status, code):
    assert response.status_code == status
    error = response.json()["error"]
    assert error["code"] == code
    assert error["message"].endswith(".")


def test_a_part_is_accepted_and_its_etag_returned(local, client, transfer_id):
    response = put(client, part_url(local, transfer_id), CONTENT)
    assert response.status_code == 200
    assert response.content == b""
    part = local.parts(KEY, transfer_id)[1]
    assert response["ETag"] == f'"{part.etag}"'
    assert part.size == 10


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [
        ("", 411, "length_required"),
        ("ten", 400, "length_malformed"),
        ("-10", 400, "length_malformed"),
        ("1e1", 400, "length_malformed"),
        ("9" * 20, 400, "length_malformed"),
        ("\u0661\u0660", 400, "length_malformed"),
        ("9", 403, "length_differs"),
        ("11", 403, "length_differs"),
        ("9" * 19, 403, "length_differs"),
    ],
)
def test_a_part_with_a_wrong_length_is_refused_unread(local, client, transfer_id, length, status, code):
    """Case 10."""
    assert_error(put(client, part_url(local, transfer_id), CONTENT, length), status, code)
    assert local.parts(KEY, transfer_id) == {}


class Gone:
    """A sender whose connection breaks."""

    def read(self, size):
        raise OSError("connection reset")


@pytest.mark.parametrize("stream", [BytesIO(b"0123"), BytesIO(), Gone()], ids=["short", "empty", "reset"])
def test_an_interrupted_part_is_not_kept(local, transfer_id, stream):
    """Case 10: fewer bytes arrive than the header declares."""
    request = RequestFactory().put("/")
    request.META["CONTENT_LENGTH"] = "10"
    request._stream = stream
    response = served.part(request, part_url(local, transfer_id).rsplit("/", 1)[1])
    assert response.status_code == 400
    assert json.loads(response.content)["error"]["code"] == "cut_off"
    assert local.parts(KEY, transfer_id) == {}


def test_an_expired_or_tampered_token_is_refused(local, client, transfer_id):
    stored(local, KEY, CONTENT)
    url = part_url(local, transfer_id)
    for refused in (part_url(local, transfer_id, lifetime=OVER), url[:-1], url.replace(":", ""), f"{url}:a"):
        assert_error(put(client, refused, CONTENT), 403, "link_refused")
    url = download_url(local)
    for refused in (download_url(local, lifetime=OVER), url[:-1], f"{url}a"):
        assert_error(client.get(refused), 403, "link_refused")


def test_an_ended_transfer_is_not_found(local, client, transfer_id):
    url = part_url(local, transfer_id)
    local.abort_transfers(KEY)
    assert_error(put(client, url, CONTENT), 404, "transfer_ended")


def test_a_removed_object_is_not_found(local, client):
    stored(local, KEY, CONTENT)
    url = download_url(local)
    assert body_of(client.get(url)) == CONTENT
    local.remove([KEY])
    assert_error(client.get(url), 404, "gone")
    assert client.head(url).status_code == 404


def test_failing_storage_answers_503_without_details(local, client, transfer_id, monkeypatch):
    def fail(*arguments, **more):
        raise StorageError("No space left on /data/storage")

    monkeypatch.setattr("mayfly.storage.folder.storage.FolderUploadStorage.receive_part", fail)
    response = put(client, part_url(local, transfer_id), CONTENT)
    assert_error(response, 503, "storage")
    assert b"/data" not in response.content


@pytest.mark.parametrize("method", ["get", "head", "post", "delete", "patch"])
def test_a_part_url_accepts_only_put(local, client, transfer_id, method):
    response = getattr(client, method)(part_url(local, transfer_id))
    assert response.status_code == 405
    assert response["Allow"] == "PUT"


@pytest.mark.parametrize("method", ["put", "post", "delete", "patch"])
def test_a_download_url_accepts_only_get_and_head(local, client, method):
    stored(local, KEY, CONTENT)
    response = getattr(client, method)(download_url(local))
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
    assert local.length(KEY) == 10


def test_a_download_is_saved_and_never_run(local, client):
    stored(local, KEY, CONTENT)
    response = client.get(download_url(local, name="łódź.html"))
    assert body_of(response) == CONTENT
    assert (
        response["Content-Disposition"]
        == "attachment; filename=\"__d_.html\"; filename*=UTF-8''%C5%82%C3%B3d%C5%BA.html"
    )
    assert response["Content-Type"] == "text/html"
    assert response["Content-Length"] == "10"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox"
    assert response["Cache-Control"] == "no-store"
    assert response["Accept-Ranges"] == "bytes"


def test_a_head_has_the_headers_and_no_body(local, client):
    stored(local, KEY, CONTENT)
    url = download_url(local)
    head, get = client.head(url), client.get(url)
    assert head.content == b""
    assert body_of(get) == CONTENT
    assert dict(head.headers) == dict(get.headers)
    assert client.head(url, headers={"Range": "bytes=0-3"}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "body", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-4", b"4", "bytes 4-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-99999999999999999", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-99", CONTENT, "bytes 0-9/10"),
    ],
)
def test_a_range_returns_the_requested_bytes(local, client, asked, body, told):
    stored(local, KEY, CONTENT)
    response = client.get(download_url(local), headers={"Range": asked})
    assert response.status_code == 206
    assert body_of(response) == body
    assert response["Content-Range"] == told
    assert response["Content-Length"] == str(len(body))
    assert response["Content-Security-Policy"] == "sandbox"


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=999-"])
def test_a_range_beyond_the_end_is_not_satisfiable(local, client, asked):
    stored(local, KEY, CONTENT)
    response = client.get(download_url(local), headers={"Range": asked})
    assert_error(response, 416, "no_such_range")
    assert response["Content-Range"] == "bytes */10"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,3-4", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=0-1", "bytes", f"bytes=0-{'9' * 5000}"]
)
def test_anything_but_a_single_range_returns_the_whole_object(local, client, asked):
    stored(local, KEY, CONTENT)
    response = client.get(download_url(local), headers={"Range": asked})
    assert response.status_code == 200
    assert body_of(response) == CONTENT


def test_a_resumed_download_gets_a_range_only_of_the_same_object(local, client):
    stored(local, KEY, CONTENT)
    url = download_url(local)
    first = client.get(url)
    assert body_of(first) == CONTENT
    for etag, status, body in ((first["ETag"], 206, b"789"), ('"another"', 200, CONTENT)):
        response = client.get(url, headers={"Range": "bytes=7-", "If-Range": etag})
        assert (response.status_code, body_of(response)) == (status, body)


def test_an_abandoned_download_closes_its_file(local, client):
    stored(local, KEY, CONTENT * 100_000)
    open_before = len(os.listdir("/proc/self/fd"))
    url = download_url(local)
    for _ in range(3):
        next(iter((response := client.get(url)).streaming_content))
        response.close()
        client.get(url).close()
        client.head(url)
        client.get(url, headers={"Range": "bytes=9999999-"})
    assert len(os.listdir("/proc/self/fd")) <= open_before


@contextmanager
def serving():
    """The app behind a real server, because Django's test client holds bodies in memory."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *arguments):
            pass

    server = make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Quiet)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    finally:
        server.shutdown()
        server.server_close()


def test_a_large_part_and_its_download_stay_out_of_memory(local, transfer_id, settings):
    settings.ALLOWED_HOSTS = ["*"]
    size, chunk = 32 * 1024 * 1024, b"x" * 65_536
    with serving() as connection:
        tracemalloc.start()
        try:
            connection.request(
                "PUT",
                part_url(local, transfer_id, size=size),
                iter([chunk] * (size // len(chunk))),
                {"Content-Length": str(size)},
            )
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"")
            local.complete_transfer(KEY, transfer_id, local.parts(KEY, transfer_id).values())
            connection.request("GET", urlsplit(download_url(local)).path)
            response = connection.getresponse()
            assert int(response.headers["Content-Length"]) == size
            received = 0
            while piece := response.read(65_536):
                received += len(piece)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert received == size
    assert most < 8 * 1024 * 1024
