"""The end of transfers, by botocore: complete and abort."""

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ReadTimeoutError

from ..protocol import Part, PartsRefused, StillAtWork, StorageError, TransferNotFound
from . import listing
from .answers import answering, quoted, refuses_parts

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


def complete(client: "S3Client", bucket: str, key: str, transfer_id: str, parts: Iterable[Part]) -> None:
    """Join these parts into an object, in the order that they have.

    If the answer to a first call was lost, S3 may answer the same call again with success. While AWS works, it sends
    white space, and this lasts as long. Other servers are silent.
    """
    listed: list[CompletedPartTypeDef] = [{"PartNumber": part.number, "ETag": quoted(part.etag)} for part in parts]
    try:
        client.complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=transfer_id, MultipartUpload={"Parts": listed}
        )
    except ReadTimeoutError as error:
        raise StillAtWork(str(error)) from error
    except ClientError as error:
        if refuses_parts(error):
            raise PartsRefused(str(error)) from error
        raise


def abort(client: "S3Client", bucket: str, key: str) -> None:
    """Close every open transfer under exactly this key."""
    # The prefix also matches longer keys.
    with answering():
        ids = [transfer["UploadId"] for transfer in listing.transfers(client, bucket, key) if transfer["Key"] == key]
    for transfer_id in ids:
        with suppress(TransferNotFound):  # closed since it was listed, or by us just now
            _abort(client, bucket, key, transfer_id)


def _abort(client: "S3Client", bucket: str, key: str, transfer_id: str) -> None:
    # A part that is on its way while S3 aborts may still arrive; S3 asks to list the parts and to abort again.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html
    for _ in range(3):
        with answering():
            client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=transfer_id)
        if not listing.parts(client, bucket, key, transfer_id):
            return
    raise StorageError(f"parts still arrive in an aborted transfer of {key}")
