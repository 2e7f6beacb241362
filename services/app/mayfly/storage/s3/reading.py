"""The bytes of objects in a bucket, and how many there are, however a server answers a request for a range."""

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ..protocol import Beginning, exactly
from .answers import answering, code_of, refuses_range, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

# How much of an object is read at a time, in bytes.
CHUNK = 256 * 1024


def length(client: "S3Client", bucket: str, key: str) -> int | None:
    """The size of an object in bytes; None only if S3 says of its key that there is none."""
    with answering():
        try:
            return client.head_object(Bucket=bucket, Key=key)["ContentLength"]
        except ClientError as error:
            if status_of(error) != 404:
                raise
        # The answer to a HEAD has no body, so the bucket itself may be missing. A GET says which.
        try:
            answer = client.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if code_of(error) != "NoSuchKey":
                raise
            return None
        answer["Body"].close()
        return answer["ContentLength"]


def beginning(client: "S3Client", bucket: str, key: str, count: int) -> Beginning | None:
    """The first `count` bytes of an object, and its size; None only if S3 says of its key that there is none."""
    with answering():
        try:
            answer = _from_the_start(client, bucket, key, count)
        except ClientError as error:
            if code_of(error) != "NoSuchKey":
                raise
            return None
        with closing(answer["Body"]) as body:
            content = body.read(count)
        size = _size_of_all(answer)
    if size is None:
        size = length(client, bucket, key)
    return None if size is None else Beginning(content, size)


def whole(client: "S3Client", bucket: str, key: str) -> Generator[bytes]:
    """An object, piece by piece."""
    with answering(), closing(client.get_object(Bucket=bucket, Key=key)["Body"]) as body:
        yield from body.iter_chunks(CHUNK)


def bytes_at(client: "S3Client", bucket: str, key: str, start: int, count: int) -> bytes:
    """Exactly `count` bytes of an object, from `start` on."""
    with answering():
        answer = client.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-{start + count - 1}")
        with closing(answer["Body"]) as body:
            return exactly(body.read(count) if answer.get("ContentRange") else b"", count)


def _from_the_start(client: "S3Client", bucket: str, key: str, count: int) -> "GetObjectOutputTypeDef":
    try:
        return client.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{count - 1}")
    except ClientError as error:
        if not refuses_range(error):
            raise
        return client.get_object(Bucket=bucket, Key=key)


def _size_of_all(answer: "GetObjectOutputTypeDef") -> int | None:
    """The size of the whole object, of which this may be a range; None if the answer does not say it.

    Not every server that sends a range answers 206, and one that knows no ranges sends all with 200.
    """
    if stated := answer.get("ContentRange"):
        size = stated.rpartition("/")[2]
        return int(size) if size.isdecimal() else None
    return None if answer["ResponseMetadata"]["HTTPStatusCode"] == 206 else answer["ContentLength"]
