"""S3 fails: a proxy between the program and LocalStack breaks each call in each way, and the promises still hold."""

import os
import random
from collections.abc import Iterator

import pytest

from ..conftest import BUCKET, URL, Bucket, compose, until
from . import stack
from .stack import HTTP, LATE


class Faults:
    """The failures of the proxy, none at first. proxy.py lists the possible ones."""

    def __init__(self):
        self.url = f"http://{compose('port', 'faults', '4566').strip()}/_faults"

    def set(self, *faults: dict) -> None:
        assert HTTP.put(self.url, json=faults).status_code == 200

    def met(self) -> int:
        """The number of calls that failed since `set`."""
        return sum(fault["met"] for fault in HTTP.get(self.url).json())

    def over(self) -> None:
        """End the failures, and check that there were some, because otherwise the test proves nothing."""
        assert self.met()
        self.set()


@pytest.fixture(scope="module")
def through_the_proxy() -> Iterator[Faults]:
    """Recreate web and worker with the proxy as their storage, and recreate them without it at the end."""
    files = os.environ["COMPOSE_FILE"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPOSE_FILE", f"{files}:tests/stack/chaos/docker-compose.yml")
        compose("up", "--detach", "--no-deps", "--no-build", "--wait", "faults", "web", "worker")
        try:
            yield Faults()
        finally:
            compose("rm", "--force", "--stop", "faults")
            patch.setenv("COMPOSE_FILE", files)
            compose("up", "--detach", "--no-deps", "--no-build", "--wait", "web", "worker")


@pytest.fixture
def faults(through_the_proxy) -> Iterator[Faults]:
    through_the_proxy.set()
    yield through_the_proxy
    through_the_proxy.set()


def content_of(upload: dict) -> bytes:
    return HTTP.get(upload["download"], follow_redirects=True).content


def is_hidden(upload: dict, visitor: stack.Visitor) -> bool:
    """Whether no route offers it, whatever storage still has."""
    routes = [upload["link"], upload["download"]]
    return (
        {HTTP.get(route).status_code for route in routes} == {410}
        and visitor.api.get(f"/api/uploads/{upload['id']}").status_code == 410
        and upload["id"] not in {listed["id"] for listed in visitor.list()}
    )


def test_an_upload_that_storage_does_not_remove_is_hidden_at_once(faults, visitor, bucket, table):
    """Case 43."""
    uploads = []
    for does in ("500", "503", "429", "403", "silence", "drop", "lose"):
        upload = visitor.upload(b"hello", name=does)
        uploads.append(upload)
        faults.set({"operation": "DeleteObjects", "does": does})
        assert visitor.api.delete(f"/api/uploads/{upload['id']}").status_code == 204
        assert is_hidden(upload, visitor)
        assert stack.state_of(table, upload) == "removing"
        assert bucket.has(upload) is (does != "lose")
        assert "nothing of it is left in storage" not in HTTP.get(upload["link"]).text
    faults.over()
    until(lambda: all(stack.state_of(table, upload) == "gone" for upload in uploads), seconds=LATE)
    assert bucket.keys("uploads/") == set()
    assert all("nothing of it is left in storage" in HTTP.get(upload["link"]).text for upload in uploads)


def test_a_key_that_storage_does_not_remove_delays_no_other(faults, visitor, bucket, table):
    """Case 43."""
    uploads = [visitor.upload(b"hello", lifetime=600, name=str(number)) for number in range(20)]
    held, others = uploads[:2], uploads[2:]
    faults.set({"operation": "DeleteObjects", "does": "deny", "keys": [f"uploads/{one['id']}" for one in held]})
    stack.end_all(table)
    until(lambda: all(stack.state_of(table, upload) == "gone" for upload in others), seconds=LATE)
    for upload in held:
        assert stack.state_of(table, upload) == "removing"
        assert bucket.has(upload)
        assert is_hidden(upload, visitor)
    assert not any(bucket.has(upload) for upload in others)
    faults.over()
    until(lambda: all(stack.state_of(table, upload) == "gone" for upload in held), seconds=LATE)
    assert stack.differences(table, bucket) == {}


def test_transfers_that_storage_does_not_abort_delay_no_upload(faults, visitor, bucket, table):
    """Case 43. The sweep removes other due uploads meanwhile, however many transfers hang."""
    abandoned = [visitor.begin(b"never sent", name=str(number)) for number in range(20)]
    ready = [visitor.upload(b"hello", lifetime=600) for _ in range(3)]
    keys = [f"uploads/{upload['id']}" for upload in abandoned]
    faults.set(
        {"operation": "ListMultipartUploads", "does": "503", "keys": keys[::2]},
        {"operation": "ListMultipartUploads", "does": "silence", "keys": keys[1::2]},
    )
    stack.end_all(table)
    until(lambda: all(stack.state_of(table, upload) == "gone" for upload in ready), seconds=LATE)
    assert {stack.state_of(table, upload) for upload in abandoned} == {"removing"}
    faults.over()
    until(lambda: all(stack.state_of(table, upload) is None for upload in abandoned), seconds=LATE)
    assert stack.differences(table, bucket) == {}


def test_complete_can_be_repeated_until_storage_does_it(faults, visitor, bucket, table):
    """Each transfer has two parts, so that storage must put them together."""
    content = random.randbytes(9_000_000)
    for does in ("500", "429", "drop", "lose"):
        upload = visitor.begin(content, name=does)
        visitor.send_parts(upload, content)
        faults.set({"operation": "CompleteMultipartUpload", "does": does})
        assert visitor.complete(upload).status_code == 503
        assert bucket.has(upload) is (does == "lose")  # only the answer was lost
        faults.over()
        assert visitor.complete(upload).json()["state"] == "ready"
        assert content_of(upload) == content
    assert stack.differences(table, bucket) == {}


def test_a_complete_that_takes_storage_twelve_seconds_is_answered(faults, visitor, bucket, table):
    """Case 88. As with two gigabytes, which a server copies before it answers."""
    content = random.randbytes(9_000_000)
    upload = visitor.begin(content)
    visitor.send_parts(upload, content)
    faults.set({"operation": "CompleteMultipartUpload", "does": "delay", "seconds": 12})
    assert visitor.complete(upload).json()["state"] == "ready"
    assert faults.met() == 1
    assert content_of(upload) == content
    assert stack.differences(table, bucket) == {}


def test_a_complete_that_outlasts_the_request_succeeds_later(faults, visitor, bucket, table):
    """Case 88. Web answers before the router gives up, and says when to ask again."""
    content = random.randbytes(9_000_000)
    upload = visitor.begin(content)
    visitor.send_parts(upload, content)
    faults.set({"operation": "CompleteMultipartUpload", "does": "delay", "seconds": 20, "times": 1})
    answer = visitor.complete(upload)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json()["error"]["code"] == "busy"
    faults.over()
    until(lambda: visitor.complete(upload).status_code == 200, seconds=60)
    assert content_of(upload) == content
    assert stack.differences(table, bucket) == {}


def test_complete_goes_on_after_storage_has_put_the_object_together(faults, visitor, bucket, table):
    """Reading the first bytes of the new object fails; the row stays pending until the next call."""
    upload = visitor.begin(b"hello")
    visitor.send_parts(upload, b"hello")
    faults.set({"operation": "GetObject", "does": "500"})
    assert visitor.complete(upload).status_code == 503
    assert bucket.has(upload)
    assert stack.state_of(table, upload) == "pending"
    faults.over()
    assert visitor.complete(upload).status_code == 200
    assert content_of(upload) == b"hello"
    assert stack.differences(table, bucket) == {}


def test_a_transfer_whose_id_was_lost_is_aborted(faults, visitor, bucket, table):
    # The answer is lost once, and botocore asks again, so two transfers are open. One of them is the upload's.
    faults.set({"operation": "CreateMultipartUpload", "does": "lose", "times": 1})
    upload = visitor.begin(b"hello")
    assert len(_transfers_of(upload, bucket)) == 2
    visitor.send_parts(upload, b"hello")
    assert visitor.complete(upload).status_code == 200
    assert content_of(upload) == b"hello"
    assert visitor.api.delete(f"/api/uploads/{upload['id']}").status_code == 204
    # Every answer is lost: storage has opened three transfers whose ids the program does not know.
    faults.set({"operation": "CreateMultipartUpload", "does": "lose"})
    begun = visitor.api.post("/api/uploads", json={"kind": "file", "name": "x", "size": 5})
    assert begun.status_code == 503
    faults.over()
    stack.one_sweep(table)
    code, said = stack.reconcile()
    assert code == 0, said
    assert bucket.transfers() == set()
    assert bucket.keys("uploads/") == set()
    assert table("SELECT id FROM uploads_upload WHERE state <> 'gone'") == []


def test_a_form_and_curl_report_failing_storage_and_leave_nothing(faults, visitor, bucket, table):
    """Case 54."""
    for operation in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"):
        faults.set({"operation": operation, "does": "503"})
        sent = HTTP.put(f"{URL}/x.bin", content=b"hello")
        assert (sent.status_code, "Storage does not answer" in sent.text) == (503, True)
        form = visitor.submit("/files/", files={"x.bin": b"hello"})
        assert (form.status_code, "Storage does not answer" in form.text) == (503, True)
    faults.over()
    stack.one_sweep(table)
    assert bucket.keys("uploads/") == set()
    assert bucket.transfers() == set()
    assert table("SELECT id FROM uploads_upload WHERE state <> 'gone'") == []
    assert visitor.submit("/files/", files={"x.bin": b"hello"}).status_code == 303


def test_a_visitor_does_not_notice_one_failure_of_each_call(faults, visitor, bucket, table):
    """Every call of an upload's life fails once, and botocore repeats it."""
    calls = (
        "CreateMultipartUpload",
        "ListParts",
        "CompleteMultipartUpload",
        "GetObject",
        "HeadObject",
        "DeleteObjects",
    )
    content = random.randbytes(9_000_000)
    for does in ("500", "lose", "drop"):
        faults.set(*({"operation": operation, "does": does, "times": 1} for operation in calls))
        upload = visitor.upload(content)
        assert content_of(upload) == content
        assert visitor.api.delete(f"/api/uploads/{upload['id']}").status_code == 204
        assert stack.state_of(table, upload) == "gone"
        assert faults.met() == len(calls)
    code, said = stack.reconcile()
    assert code == 0, said
    assert bucket.keys("uploads/") == set()
    assert bucket.transfers() == set()


def test_a_download_without_an_answer_of_storage_removes_no_row(faults, visitor):
    """Only a positive 'not found' means that the bytes are lost."""
    upload = visitor.upload(b"hello")
    for does in ("403", "500", "drop"):
        faults.set({"operation": "HeadObject", "does": does})
        assert HTTP.get(upload["download"]).status_code == 503
        faults.over()
        assert content_of(upload) == b"hello"


def test_reconcile_removes_nothing_if_storage_does_not_answer(faults, visitor, bucket, table):
    """Case 48."""
    uploads = [visitor.upload(b"hello", name=str(number)) for number in range(4)]
    lost, stray = uploads[0], visitor.upload(b"hello")
    visitor.api.delete(f"/api/uploads/{stray['id']}")
    bucket.client.delete_object(Bucket=BUCKET, Key=f"uploads/{lost['id']}")
    bucket.client.put_object(Bucket=BUCKET, Key=f"uploads/{stray['id']}", Body=b"back again")
    bucket.client.create_multipart_upload(Bucket=BUCKET, Key=f"uploads/{stray['id']}")
    for operation, does in (
        ("ListObjectsV2", "500"),
        ("ListObjectsV2", "403"),
        ("ListMultipartUploads", "500"),
        ("GetObject", "403"),
    ):
        faults.set({"operation": operation, "does": does})
        code, said = stack.reconcile()
        assert (code, "storage does not answer" in said) == (1, True), said
        assert faults.met()
        assert len(visitor.list()) == 4
        assert bucket.has(stray)
        assert len(bucket.transfers()) == 1
    faults.over()
    code, said = stack.reconcile()
    assert code == 0, said
    assert {upload["id"] for upload in visitor.list()} == {upload["id"] for upload in uploads[1:]}
    assert stack.differences(table, bucket) == {}


def test_ready_reports_failing_storage_until_it_recovers(faults, visitor):
    faults.set({"operation": "HeadBucket", "does": "500"})
    well = {"database": "ok", "redis": "ok", "beat": "ok", "sweep": "ok", "removal": "ok"}
    # Each process of web keeps its last answer for 2 s.
    until(lambda: _readiness() == (503, well | {"storage": "fails"}), seconds=30)
    assert HTTP.get(f"{URL}/health/live").status_code == 200
    assert content_of(visitor.upload(b"hello")) == b"hello"
    faults.over()
    until(lambda: _readiness() == (200, well | {"storage": "ok"}), seconds=30)


def _readiness() -> tuple[int, dict]:
    answer = HTTP.get(f"{URL}/health/ready")
    return answer.status_code, answer.json()["checks"]


def _transfers_of(upload: dict, bucket: Bucket) -> list[str]:
    listed = bucket.client.list_multipart_uploads(Bucket=BUCKET, Prefix=f"uploads/{upload['id']}")
    return [transfer["UploadId"] for transfer in listed.get("Uploads", ())]
