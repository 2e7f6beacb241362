"""The calls of a usual upload go to S3 without botocore, and with it as soon as anything is unusual."""

import pytest

from mayfly.storage.protocol import Beginning, StorageError
from mayfly.storage.s3 import direct
from mayfly.storage.s3.storage import S3UploadStorage

from ...support.foreign import Reply, error, foreign
from ...support.requests import requests_to_s3
from ...support.storages import new_key, open_transfer

pytest_plugins = ["tests.support.storages"]
CONTENT = b"0123456789"


@pytest.fixture
def relayed(s3, s3_options):
    """A storage behind a relay that notes the requests, and answers in the way that a test chooses."""
    asked = []

    def way(request, ask):
        asked.append(request)
        return made.way(request, ask) if made.way else ask()

    with foreign(s3_options["endpoint_url"], way) as endpoint:
        made = S3UploadStorage(**s3_options | {"endpoint_url": endpoint})
        made.way, made.asked = None, asked
        yield made


def whole_life(storage) -> Beginning | None:
    """Open a transfer, send its only part, join it and look at it."""
    key = new_key()
    transfer_id = open_transfer(storage, key)
    part = storage.write_part(key, transfer_id, 1, memoryview(CONTENT))
    storage.complete_transfer(key, transfer_id, [part])
    return storage.beginning(key, 4)


def test_a_usual_upload_takes_four_requests_and_no_botocore(relayed):
    with requests_to_s3() as by_botocore:
        assert whole_life(relayed) == Beginning(b"0123", 10)
    assert (len(relayed.asked), by_botocore.total()) == (4, 0)


@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_each_call_that_fails_at_first_is_made_by_botocore(relayed, status):
    failed = set()

    def way(request, ask):
        call = request.method, "uploadId" in request.query
        if call in failed:
            return ask()
        failed.add(call)
        return error(status, "Strange")

    relayed.way = way
    with requests_to_s3() as by_botocore:
        assert whole_life(relayed) == Beginning(b"0123", 10)
    assert by_botocore.keys() == {"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "GetObject"}


def test_an_error_in_an_answer_of_200_is_no_success(relayed):
    def way(request, ask):
        if request.method == "POST" and "uploadId" in request.query and not joined:
            joined.append(request)
            return Reply(200, b"<Error><Code>InternalError</Code></Error>")
        return ask()

    joined = []
    relayed.way = way
    assert whole_life(relayed) == Beginning(b"0123", 10)
    assert len(joined) == 1


def test_a_late_failure_is_not_tried_again(relayed, monkeypatch):
    monkeypatch.setattr(direct, "SOON", -1)
    relayed.way = lambda request, ask: error(500, "InternalError")
    with pytest.raises(StorageError, match="500"):
        open_transfer(relayed, new_key())
    assert len(relayed.asked) == 1


def test_botocore_makes_every_call_through_a_proxy(relayed, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", relayed.endpoint_url)
    monkeypatch.setenv("NO_PROXY", "")
    with requests_to_s3() as by_botocore:
        open_transfer(relayed, new_key())
    assert by_botocore.total() == 1
