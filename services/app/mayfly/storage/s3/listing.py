"""Listings of a bucket, page by page, however a server divides them: S3 returns at most 1,000 entries at a time."""

from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..protocol import Found, Part, StorageError
from .answers import answering, found, quoted

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef, PartTypeDef


def parts(client: "S3Client", bucket: str, key: str, transfer_id: str) -> dict[int, Part]:
    """Every part of a transfer, by number.

    Raises:
        StorageError: S3 does not answer, or says that there are more parts but never lists them.
        TransferNotFound: the transfer is not open.
    """
    there: dict[int, Part] = {}
    while True:
        # Servers name the next page in different ways, or not at all. All of them know the last part so far.
        last = max(there, default=0)
        with answering():
            page = client.list_parts(Bucket=bucket, Key=key, UploadId=transfer_id, PartNumberMarker=last)
            # Some servers keep every content that was sent under a number. S3 knows only the last one.
            for part in sorted(page.get("Parts", ()), key=_arrival):
                number = part["PartNumber"]
                there[number] = Part(number=number, size=part["Size"], etag=quoted(part["ETag"]))
        if not page.get("IsTruncated"):
            return there
        if max(there, default=0) == last:
            raise StorageError(f"the list of the parts of {key} does not go on after part {last}")


def objects(client: "S3Client", bucket: str, prefix: str, *, after: str = "") -> Iterator[Found]:
    """Every object under `prefix` after the key `after`."""
    pages = client.get_paginator("list_objects_v2").paginate
    start: dict[str, Any] = {"StartAfter": after} if after else {}
    with answering():
        for page in pages(Bucket=bucket, Prefix=prefix, **start):
            for item in page.get("Contents", ()):
                if item["Key"] > after:  # some servers begin with `after` itself
                    yield found(item["Key"], item["LastModified"])


def transfers(client: "S3Client", bucket: str, prefix: str, *, after: str = "") -> "Iterator[MultipartUploadTypeDef]":
    """Every open transfer under `prefix` after the key `after`."""
    pages = client.get_paginator("list_multipart_uploads").paginate
    start: dict[str, Any] = {"KeyMarker": after} if after else {}
    with answering():
        for page in pages(Bucket=bucket, Prefix=prefix, **start):
            # Some servers list by the transfers' ids, and have no pages.
            for transfer in sorted(page.get("Uploads", ()), key=itemgetter("Key")):
                if transfer["Key"] > after:
                    yield transfer


def _arrival(part: "PartTypeDef") -> datetime:
    """The time of a part; a server that gives none lists each number once."""
    return found("", part.get("LastModified", datetime.min)).since
