"""The policy of docs/storage.md is enough for everything that Mayfly asks of AWS, and none of it is too much.

moto plays AWS, and checks signatures and policies here. It knows no action for the block of public access. It has an
action of its own for HeadBucket, which on AWS is s3:ListBucket, and asks for s3:DeleteObject on the bucket.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.core.authorization import enable_iam_authentication
from moto.server import ThreadedMotoServer

from mayfly.storage.protocol import StorageError
from mayfly.storage.s3.storage import S3UploadStorage

from ...support.storages import new_key

DOCUMENT = Path(__file__).parents[3] / "docs" / "storage.md"
POLICY = json.loads(re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1])
ACTIONS = [action for statement in POLICY["Statement"] for action in statement["Action"]]
# moto asks for no such permission, or for another one.
UNCHECKED = {"s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"}
OF_MOTO = ["s3:HeadBucket", "s3:DeleteObject"]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of a moto of its own, because it checks every request here."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def storage_without(aws: str, action: str) -> S3UploadStorage:
    """A storage whose key has the policy of the document, less one action."""
    bucket = new_key().replace("uploads/", "policy-")
    policy = json.loads(json.dumps(POLICY).replace("NAME-OF-THE-BUCKET", bucket))
    policy["Statement"][0]["Action"] += OF_MOTO
    for statement in policy["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one != action]
    options = {"endpoint_url": aws, "region_name": "us-east-1"}
    anyone = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    iam = boto3.client("iam", **options, **anyone)
    iam.create_user(UserName=bucket)
    iam.put_user_policy(UserName=bucket, PolicyName="mayfly", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=bucket)["AccessKey"]
    iam.close()
    return S3UploadStorage(
        access_key=key["AccessKeyId"],
        secret_key=key["SecretAccessKey"],
        bucket_name=bucket,
        cors_origins=["https://drop.example.org"],
        **options,
    )


def everything(storage: S3UploadStorage) -> None:
    """All that release, web and worker ask of storage. Raises StorageError at the first refusal."""
    storage.prepare()
    storage.check()
    if any("may not read" in sentence for sentence in storage.lacking()):
        raise StorageError("AccessDenied")
    key, other = new_key(), new_key()
    transfer = storage.open_transfer(key, content_type="text/plain")
    part = storage.write_part(key, transfer, 1, b"content")
    assert storage.parts(key, transfer) == {1: part}
    storage.complete_transfer(key, transfer, [part])
    assert (storage.length(key), storage.length(other)) == (7, None)
    assert storage.first_bytes(key, 3) == b"con"
    assert b"".join(storage.read(key)) == b"content"
    storage.put(other, b"preview", content_type="image/webp")
    assert {found.key for found in storage.objects("")} == {key, other}
    storage.open_transfer(key, content_type="text/plain")
    assert [found.key for found in storage.transfers("")] == [key]
    storage.abort_transfers(key)
    for refused in storage.remove([key, other]).values():
        raise StorageError(refused)
    assert storage.absent([key, other]) == {key, other}


def test_the_policy_of_the_document_is_enough(aws):
    storage = storage_without(aws, "nothing")
    with enable_iam_authentication():
        everything(storage)
        everything(storage)


@pytest.mark.parametrize("action", [action for action in ACTIONS if action not in UNCHECKED])
def test_each_action_of_the_policy_is_needed(aws, action):
    storage = storage_without(aws, action)
    with enable_iam_authentication(), pytest.raises(StorageError, match="AccessDenied|Access Denied|403|Forbidden"):
        everything(storage)


def test_the_policy_names_every_call_of_the_program():
    """moto cannot tell these two apart, so their names are compared with the calls that are made."""
    source = "".join(file.read_text() for file in Path("services/app/mayfly/storage/s3").glob("*.py"))
    for action in UNCHECKED:
        call = re.sub(r"(?<!^)(?=[A-Z])", "_", action.removeprefix("s3:").replace("Bucket", "")).lower()
        assert f"client.{call}" in source
