"""The storage's reaction to every answer of S3, and the time that it waits for one."""

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber
from django.core.exceptions import ImproperlyConfigured

from mayfly.settings import platform
from mayfly.storage.protocol import Part, StillAtWork, StorageError, TransferNotFound, Unreachable
from mayfly.storage.s3 import storage as module
from mayfly.storage.s3.client import CONNECT_SECONDS, LONG, USUAL, Patience
from mayfly.storage.s3.storage import S3UploadStorage
from mayfly.uploads import locks, places

KEY = "uploads/a"
PARTS = [Part(1, 5, '"etag"')]
CALLS = {
    "create_multipart_upload": lambda storage: storage.open_transfer(KEY, content_type="text/plain"),
    "upload_part": lambda storage: storage.write_part(KEY, "id", 1, b"content"),
    "list_parts": lambda storage: storage.parts(KEY, "id"),
    "complete_multipart_upload": lambda storage: storage.complete_transfer(KEY, "id", PARTS),
    "list_multipart_uploads": lambda storage: storage.abort_transfers(KEY),
    "head_object": lambda storage: storage.length(KEY),
    "get_object": lambda storage: storage.first_bytes(KEY, 10),
    "put_object": lambda storage: storage.put(KEY, b"content", content_type="image/webp"),
    "delete_objects": lambda storage: storage.remove([KEY]),
    "head_bucket": lambda storage: storage.check(),
}


def make(**options) -> S3UploadStorage:
    return S3UploadStorage(
        **{"access_key": "key", "secret_key": "secret", "bucket_name": "mayfly", "region_name": "eu-central-1"}
        | options
    )


@pytest.fixture(scope="module")
def storage() -> S3UploadStorage:
    """One storage for all tests, because a client takes a while to make."""
    return make(endpoint_url="http://localhost:1")


class Answers:
    """The answers of S3, call by call, to the client that makes the call."""

    def __init__(self, storage: S3UploadStorage):
        self.usual, self.patient = Stubber(storage.client), Stubber(storage.patient_client)

    def add_response(self, method, *more):
        self._of(method).add_response(method, *more)

    def add_client_error(self, method, *more, **named):
        self._of(method).add_client_error(method, *more, **named)

    def _of(self, method) -> Stubber:
        return self.patient if method == "complete_multipart_upload" else self.usual


@pytest.fixture
def answers(storage):
    """The answers of S3. Any other call is an error."""
    answers = Answers(storage)
    with answers.usual, answers.patient:
        yield answers
        answers.usual.assert_no_pending_responses()
        answers.patient.assert_no_pending_responses()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalError", 500),
        ("SlowDown", 503),
        ("TooManyRequests", 429),
        ("AccessDenied", 403),
        ("NoSuchBucket", 404),
        ("InvalidPart", 400),
    ],
)
def test_an_s3_error_becomes_a_storage_error_with_its_cause(storage, answers, call, code, status):
    """Cases 43, 48, 54: an error is never taken for an answer."""
    if (call, status) == ("head_object", 404):
        answers.add_client_error("head_object", "404", http_status_code=404)
        answers.add_client_error("get_object", code, http_status_code=404)
    else:
        answers.add_client_error(call, code, http_status_code=status)
    with pytest.raises(StorageError, match=code) as raised:
        CALLS[call](storage)
    assert raised.value.__cause__.response["Error"]["Code"] == code


@pytest.mark.parametrize("call", CALLS)
def test_a_failed_connection_is_unreachable_storage_with_its_cause(storage, monkeypatch, call):
    """Cases 43, 48."""

    def refuse(request):
        raise EndpointConnectionError(endpoint_url=request.url)

    for client in (storage.client, storage.patient_client):
        monkeypatch.setattr(client._endpoint.http_session, "send", refuse)
    with pytest.raises(Unreachable) as raised:
        CALLS[call](storage)
    assert isinstance(raised.value.__cause__, EndpointConnectionError)


@pytest.mark.parametrize("call", ["upload_part", "list_parts", "complete_multipart_upload"])
def test_a_transfer_unknown_to_s3_is_not_found(storage, answers, call):
    answers.add_client_error(call, "NoSuchUpload", http_status_code=404)
    with pytest.raises(TransferNotFound):
        CALLS[call](storage)


def test_an_object_is_absent_only_if_s3_says_so_of_its_key(storage, answers):
    answers.add_client_error("head_object", "404", http_status_code=404)
    answers.add_client_error("get_object", "NoSuchKey", http_status_code=404)
    assert storage.length(KEY) is None


def test_an_object_that_appears_between_two_requests_has_a_length(storage, answers):
    answers.add_client_error("head_object", "404", http_status_code=404)
    answers.add_response("get_object", {"ContentLength": 5, "Body": BytesIO(b"12345")})
    assert storage.length(KEY) == 5


@pytest.mark.parametrize("code", ["NoSuchBucket", "404", "NotFound", "NoSuchWebsiteConfiguration"])
def test_any_other_404_proves_nothing_about_the_object(storage, answers, code):
    answers.add_client_error("head_object", "404", http_status_code=404)
    answers.add_client_error("get_object", code, http_status_code=404)
    with pytest.raises(StorageError):
        storage.length(KEY)


def test_keys_are_removed_a_thousand_at_a_time_and_each_once(storage, answers):
    """Case 53."""
    keys = [f"uploads/{number}" for number in range(2001)]
    for batch in (keys[:1000], keys[1000:2000], keys[2000:]):
        delete = {"Objects": [{"Key": key} for key in batch], "Quiet": True}
        answers.add_response("delete_objects", {}, {"Bucket": "mayfly", "Delete": delete})
    assert storage.remove(keys + keys) == {}


def test_keys_that_s3_cannot_remove_are_named_with_the_reason(storage, answers):
    """Case 43: S3 answers 200 even if every key has an error."""
    answers.add_response(
        "delete_objects",
        {
            "Errors": [
                {"Key": "uploads/1", "Code": "InternalError", "Message": "We encountered an internal error."},
                {"Key": "uploads/2", "Code": "AccessDenied", "Message": "Access Denied"},
                {"Key": "uploads/3", "Code": "NoSuchKey", "Message": "The specified key does not exist."},
            ]
        },
    )
    errors = storage.remove([f"uploads/{number}" for number in range(5)])
    assert errors == {
        "uploads/1": "InternalError: We encountered an internal error.",
        "uploads/2": "AccessDenied: Access Denied",
    }


def test_abort_reads_every_page_and_aborts_only_the_exact_key(storage, answers):
    place = {"Bucket": "mayfly", "Prefix": KEY}
    answers.add_response(
        "list_multipart_uploads",
        {
            "Uploads": [{"Key": KEY, "UploadId": "1"}, {"Key": f"{KEY}b", "UploadId": "other"}],
            "IsTruncated": True,
            "NextKeyMarker": KEY,
            "NextUploadIdMarker": "1",
        },
        place,
    )
    answers.add_response(
        "list_multipart_uploads",
        {"Uploads": [{"Key": KEY, "UploadId": "2"}], "IsTruncated": False},
        place | {"KeyMarker": KEY, "UploadIdMarker": "1"},
    )
    for transfer_id in ("1", "2"):
        answers.add_response("abort_multipart_upload", {}, {"Bucket": "mayfly", "Key": KEY, "UploadId": transfer_id})
        answers.add_client_error("list_parts", "NoSuchUpload", http_status_code=404)
    storage.abort_transfers(KEY)


def test_an_abort_accepts_that_the_transfer_has_just_closed(storage, answers):
    _list_one_transfer(answers)
    answers.add_client_error("abort_multipart_upload", "NoSuchUpload", http_status_code=404)
    storage.abort_transfers(KEY)


def test_a_part_that_arrives_after_the_abort_is_dropped(storage, answers):
    _list_one_transfer(answers)
    answers.add_response("abort_multipart_upload", {})
    answers.add_response("list_parts", {"Parts": [{"PartNumber": 1, "Size": 5, "ETag": "e"}], "IsTruncated": False})
    answers.add_response("abort_multipart_upload", {})
    answers.add_response("list_parts", {"IsTruncated": False})
    storage.abort_transfers(KEY)


def test_an_endless_abort_is_an_error(storage, answers):
    _list_one_transfer(answers)
    for _ in range(3):
        answers.add_response("abort_multipart_upload", {})
        answers.add_response("list_parts", {"Parts": [{"PartNumber": 1, "Size": 5, "ETag": "e"}], "IsTruncated": False})
    with pytest.raises(StorageError):
        storage.abort_transfers(KEY)


def test_a_refused_abort_is_an_error(storage, answers):
    _list_one_transfer(answers)
    answers.add_client_error("abort_multipart_upload", "AccessDenied", http_status_code=403)
    with pytest.raises(StorageError):
        storage.abort_transfers(KEY)


def test_parts_are_completed_in_the_order_of_their_numbers(storage, answers):
    listed = [{"PartNumber": number, "ETag": f'"e{number}"'} for number in (1, 2, 10)]
    answers.add_response(
        "complete_multipart_upload",
        {},
        {"Bucket": "mayfly", "Key": KEY, "UploadId": "id", "MultipartUpload": {"Parts": listed}},
    )
    storage.complete_transfer(KEY, "id", [Part(number, 5, f"e{number}") for number in (10, 1, 2)])


def test_a_part_is_sent_without_checksums_that_only_aws_knows(storage, monkeypatch):
    sent = []

    def send(request):
        sent.append(request)
        raise EndpointConnectionError(endpoint_url=request.url)

    monkeypatch.setattr(storage.client._endpoint.http_session, "send", send)
    with pytest.raises(StorageError):
        storage.write_part(KEY, "id", 1, b"content")
    assert not [name for name in sent[0].headers if "checksum" in name.lower() or "trailer" in name.lower()]


@pytest.mark.parametrize(("endpoint", "style"), [(None, "virtual"), ("http://localhost:4566", "path")])
def test_the_client_is_configured_for_the_buckets_place(endpoint, style):
    config = make(endpoint_url=endpoint, region_name=None).client.meta.config
    assert config.s3["addressing_style"] == style
    assert config.signature_version == "s3v4"
    assert config.region_name == "us-east-1"
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.request_checksum_calculation == config.response_checksum_validation == "when_required"


def test_an_unknown_option_is_refused():
    with pytest.raises(ImproperlyConfigured):
        make(public_endpoint="http://localhost:4566")


def test_each_thread_has_its_own_client(storage):
    with ThreadPoolExecutor(4) as pool:
        barrier = threading.Barrier(4)
        clients = list(pool.map(lambda _: (barrier.wait(), storage.client)[1], range(4)))
    assert len(set(map(id, clients))) == 4
    assert storage.client is storage.client


def test_a_storage_can_be_pickled(storage):
    storage.client  # noqa: B018  (made here, made anew there)
    copy = pickle.loads(pickle.dumps(storage))  # noqa: S301  (our own)
    assert copy.client.meta.region_name == "eu-central-1"


def test_a_temporary_error_is_retried():
    """Case 54."""
    with serving([503, 500, 200]) as (endpoint, asked):
        make(endpoint_url=endpoint).check()
    assert len(asked) == 3


def test_a_lasting_error_is_raised_after_the_third_try():
    with serving([500] * 9) as (endpoint, asked), pytest.raises(StorageError):
        make(endpoint_url=endpoint).check()
    assert len(asked) == 3


def test_no_retry_begins_too_late_for_the_caller(monkeypatch):
    monkeypatch.setattr(module, "USUAL", Patience(read=10, retry=0.2))
    with serving([500] * 9, seconds=0.3) as (endpoint, asked), pytest.raises(StorageError):
        make(endpoint_url=endpoint).check()
    assert len(asked) == 1


def test_a_storage_that_never_answers_is_asked_once(monkeypatch):
    monkeypatch.setattr(module, "USUAL", Patience(read=0.3, retry=0.2))
    with serving([200], seconds=1) as (endpoint, asked), pytest.raises(StorageError) as raised:
        make(endpoint_url=endpoint).check()
    assert isinstance(raised.value.__cause__, ReadTimeoutError)
    assert len(asked) == 1


def test_completing_has_more_time_than_other_calls(monkeypatch):
    """Case 88. A server copies gigabytes before it answers."""
    monkeypatch.setattr(module, "USUAL", Patience(read=0.3, retry=0.2))
    with serving([200], seconds=1) as (endpoint, asked):
        make(endpoint_url=endpoint).complete_transfer(KEY, "id", PARTS)
    assert len(asked) == 1


def test_a_complete_without_an_answer_may_still_be_at_work(monkeypatch):
    """Case 88."""
    monkeypatch.setattr(module, "LONG", Patience(read=0.3, retry=0.2))
    with serving([200], seconds=1) as (endpoint, asked), pytest.raises(StillAtWork):
        make(endpoint_url=endpoint).complete_transfer(KEY, "id", PARTS)
    assert len(asked) == 1


def test_the_longest_call_ends_before_its_callers_time_limit():
    assert longest_call(USUAL) < 20  # Celery's soft limit; the router waits 30 s


def test_the_longest_complete_ends_before_the_router_gives_up():
    """Case 88. It waits for a place, then for the lock of its upload, then for storage."""
    assert places.MOMENT + locks.PATIENCE + longest_call(LONG) < platform.ROUTER_SECONDS


def longest_call(patience: Patience) -> float:
    longest_pause = 2
    return patience.retry + longest_pause + CONNECT_SECONDS + patience.read


def _list_one_transfer(answers):
    answers.add_response("list_multipart_uploads", {"Uploads": [{"Key": KEY, "UploadId": "1"}], "IsTruncated": False})


@contextmanager
def serving(statuses, *, seconds=0.0):
    """A server in the place of S3. It answers with these statuses in turn, each after `seconds`."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            asked.append(self.path)
            time.sleep(seconds)
            self.send_response(statuses[len(asked) - 1])
            content = b"" if self.command == "HEAD" else b"<CompleteMultipartUploadResult/>"
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_HEAD

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
