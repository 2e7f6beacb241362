"""Bytes in an S3 bucket: the server owns each transfer; clients send and fetch by presigned URLs.

On the objects the credentials need s3:PutObject, s3:GetObject, s3:DeleteObject, s3:ListMultipartUploadParts and
s3:AbortMultipartUpload. On the bucket they need s3:ListBucketMultipartUploads and s3:ListBucket: without the latter,
S3 answers 403 instead of 404 for an absent object. `prepare` needs permission to create and configure the bucket.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from storages.backends.s3 import S3Storage

from .. import many
from ..headers import PREVIEW_TYPE, attachment
from ..keys import PREFIXES
from ..protocol import (
    STILL_THERE,
    Beginning,
    Found,
    Part,
    SignedPart,
    StillAtWork,
    StorageError,
    existing,
)
from . import bucket, lacks, listing, reading, transfers
from .answers import answering, code_of, found, quoted, takes_no_batches
from .client import LONG, USUAL, Clients, configuration
from .direct import Direct
from .presign import S3Signer, bucket_url
from .proof import absent_by_listing

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import (
        ObjectIdentifierTypeDef,
    )

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MOST_KEYS = 1000
# S3 answers about MOST_KEYS keys in a fifth of this, AT_ONCE at a time and 20 ms away.
ABSENT_SECONDS = 10
# The same for a removal key by key. The next sweep removes a key whose turn does not come.
REMOVE_SECONDS = 10


class S3UploadStorage(S3Storage):
    """UploadStorage on S3.

    Options besides those of S3Storage: `public_endpoint_url`, where clients reach S3 if that is not `endpoint_url`,
    and `cors_origins`, the origins of the pages that send parts.
    """

    access_key: str
    secret_key: str
    region_name: str
    client_config: Config
    public_endpoint_url: str | None
    cors_origins: Sequence[str]

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.region_name = self.region_name or "us-east-1"
        self.client_config = configuration(self.endpoint_url)
        # Until the server refuses one. A process remembers it, so that a removal there costs no vain request more.
        self._removes_batches = True

    def get_default_settings(self) -> dict[str, Any]:
        return super().get_default_settings() | {"public_endpoint_url": None, "cors_origins": ()}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name not in ("_clients", "_direct")}

    @property
    def origin(self) -> str:
        return self.signer.origin

    def open_transfer(self, key: str, *, content_type: str) -> str:
        with answering():
            if transfer_id := self._direct.open_transfer(key, content_type):
                return transfer_id
            answer = self.client.create_multipart_upload(Bucket=self.bucket_name, Key=key, ContentType=content_type)
            return answer["UploadId"]

    def sign_part(self, key: str, transfer_id: str, number: int, size: int, *, lifetime: timedelta) -> SignedPart:
        url = self.signer.part_url(key, transfer_id, number, size, lifetime=lifetime)
        # No headers: Content-Length is signed, and every client sets it by itself.
        return SignedPart(number=number, size=size, url=url)

    def write_part(self, key: str, transfer_id: str, number: int, content: bytes | memoryview) -> Part:
        with answering():
            etag = self._direct.write_part(key, transfer_id, number, content)
            if etag is None:
                etag = self.client.upload_part(
                    Bucket=self.bucket_name,
                    Key=key,
                    UploadId=transfer_id,
                    PartNumber=number,
                    Body=bytes(content),  # botocore takes no view
                )["ETag"]
            return Part(number=number, size=len(content), etag=quoted(etag))

    def parts(self, key: str, transfer_id: str) -> dict[int, Part]:
        return listing.parts(self.client, self.bucket_name, key, transfer_id)

    def complete_transfer(self, key: str, transfer_id: str, parts: Iterable[Part]) -> None:
        in_order = sorted(parts, key=lambda part: part.number)
        with answering():
            try:
                done = self._direct.complete_transfer(key, transfer_id, in_order, LONG)
            except ReadTimeoutError as error:
                raise StillAtWork(str(error)) from error
            if not done:
                transfers.complete(self.patient_client, self.bucket_name, key, transfer_id, in_order)

    def abort_transfers(self, key: str) -> None:
        transfers.abort(self.client, self.bucket_name, key)

    def close_transfers(self, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
        return self._at_once(self._why_open, keys, seconds=seconds)

    def length(self, key: str) -> int | None:
        return reading.length(self.client, self.bucket_name, key)

    def beginning(self, key: str, count: int) -> Beginning | None:
        with answering():
            found = self._direct.beginning(key, count)
        return found or reading.beginning(self.client, self.bucket_name, key, count)

    def first_bytes(self, key: str, count: int) -> bytes:
        return existing(self.beginning(key, count), key).content

    def read(self, key: str) -> Generator[bytes]:
        return reading.whole(self.client, self.bucket_name, key)

    def bytes_at(self, key: str, start: int, count: int) -> bytes:
        return reading.bytes_at(self.client, self.bucket_name, key, start, count)

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        with answering():
            self.client.put_object(Bucket=self.bucket_name, Key=key, Body=content, ContentType=content_type)

    def remove(self, keys: Sequence[str]) -> dict[str, str]:
        errors: dict[str, str] = {}
        keys = list(dict.fromkeys(keys))
        for start in range(0, len(keys), MOST_KEYS):
            errors |= self._removed(keys[start : start + MOST_KEYS])
        return errors

    def absent(self, keys: Sequence[str]) -> set[str]:
        absent = set(keys)
        for start in range(0, len(keys), MOST_KEYS):
            some = keys[start : start + MOST_KEYS]  # each by itself: reconcile has them from a listing
            for key, why in self._at_once(self._why_unproven, some, seconds=ABSENT_SECONDS).items():
                if why != STILL_THERE:
                    raise StorageError(why)
                absent.discard(key)
        return absent

    def unproven(self, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
        stop = monotonic() + seconds
        absent = absent_by_listing(self.client, self.bucket_name, keys, seconds=seconds / 2)
        return self._at_once(self._why_unproven, [*set(keys) - absent], seconds=stop - monotonic())

    def objects(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        return listing.objects(self.client, self.bucket_name, prefix, after=after)

    def transfers(self, prefix: str, *, after: str = "") -> Iterator[Found]:
        for transfer in listing.transfers(self.client, self.bucket_name, prefix, after=after):
            with answering():
                yield found(transfer["Key"], transfer["Initiated"])

    def sign_download(self, key: str, *, name: str, content_type: str, lifetime: timedelta) -> str:
        return self.signer.download_url(
            key,
            disposition=attachment(name),
            content_type=content_type,
            cache_control="no-store",
            lifetime=lifetime,
        )

    def sign_preview(self, key: str, *, lifetime: timedelta) -> str:
        return self.signer.download_url(
            key, disposition="inline", content_type=PREVIEW_TYPE, cache_control="no-store", lifetime=lifetime
        )

    def prepare(self) -> list[str]:
        try:
            with answering():
                return bucket.configure(
                    self.client,
                    self.bucket_name,
                    region=self.region_name,
                    origins=self.cors_origins,
                    prefixes=PREFIXES,
                )
        except bucket.Unsuitable as unsuitable:
            raise StorageError(str(unsuitable)) from unsuitable

    def check(self) -> None:
        with answering():
            self.client.head_bucket(Bucket=self.bucket_name)

    def lacking(self) -> list[str]:
        addresses = [self._address(self.public_endpoint_url or self.endpoint_url), self._address(self.endpoint_url)]
        with answering():
            return [
                *lacks.without_browsers(list(dict.fromkeys(addresses)), self.cors_origins),
                *lacks.without_lifecycle(self.client, self.bucket_name, PREFIXES),
            ]

    @cached_property
    def signer(self) -> S3Signer:
        """Signs for the address by which clients know the bucket; ours may be one inside a private network."""
        return self._signer(self._address(self.public_endpoint_url or self.endpoint_url))

    @cached_property
    def _direct(self) -> Direct:
        address = self._address(self.endpoint_url)
        return Direct(address, self._signer(address))

    def _signer(self, address: str) -> S3Signer:
        return S3Signer(
            address,
            access_key=self.access_key,
            secret_key=self.secret_key,
            session_token=self.security_token,
            region=self.region_name,
        )

    def _address(self, endpoint: str | None) -> str:
        """The bucket's address on a server; None means AWS."""
        if endpoint:
            return bucket_url(endpoint, self.bucket_name)
        # botocore knows AWS's host names, which differ between parts of the world.
        example = urlsplit(
            self.client.generate_presigned_url("get_object", Params={"Bucket": self.bucket_name, "Key": "k"})
        )
        return f"{example.scheme}://{example.netloc}{example.path.removesuffix('/k')}"

    @property
    def client(self) -> "S3Client":
        """This thread's client. It answers in botocore's terms; the methods above translate."""
        return self._clients.get(USUAL)

    @property
    def patient_client(self) -> "S3Client":
        """As `client`, for the one call that takes S3 longer than all others: putting an object together."""
        return self._clients.get(LONG)

    @cached_property
    def _clients(self) -> Clients:
        return Clients(
            endpoint_url=self.endpoint_url,
            region_name=self.region_name,
            access_key=self.access_key,
            secret_key=self.secret_key,
            session_token=self.security_token,
            config=self.client_config,
        )

    def _at_once(self, question: many.Question, keys: Sequence[str], *, seconds: float) -> dict[str, str]:
        """As `many.at_once`, with this thread's client in all threads: one is safe to share, and each costs memory."""
        client = self.client

        def ask(key: str) -> str:
            self._clients.use(client, USUAL)
            return question(key)

        return many.at_once(ask, keys, seconds=seconds, kind=question.__name__)

    def _removed(self, keys: Sequence[str]) -> dict[str, str]:
        """Remove at most MOST_KEYS keys, in one request if the server lets us. Returns why one could not be removed."""
        if self._removes_batches:
            with answering():
                try:
                    return self._remove_batch(keys)
                except ClientError as error:
                    if not takes_no_batches(error):
                        raise
        errors = self._at_once(self._why_not_removed, keys, seconds=REMOVE_SECONDS)
        if len(errors) < len(keys):
            self._removes_batches = False
        return errors

    def _remove_batch(self, keys: Sequence[str]) -> dict[str, str]:
        batch: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys]
        # Quiet: the answer lists only errors. Its status is 200 even if every key has one.
        answer = self.client.delete_objects(Bucket=self.bucket_name, Delete={"Objects": batch, "Quiet": True})
        return {
            error["Key"]: f"{error.get('Code')}: {error.get('Message')}"
            for error in answer.get("Errors", ())
            if error.get("Code") != "NoSuchKey"
        }

    def _why_not_removed(self, key: str) -> str:
        with answering():
            try:
                self.client.delete_object(Bucket=self.bucket_name, Key=key)
            except ClientError as error:
                if code_of(error) != "NoSuchKey":
                    raise
        return ""

    def _why_unproven(self, key: str) -> str:
        # A GET, because its 404 says whether the key or the bucket is missing. A HEAD has no body to say so.
        with answering():
            try:
                answer = self.client.get_object(Bucket=self.bucket_name, Key=key, Range="bytes=0-0")
            except ClientError as error:
                if code_of(error) != "NoSuchKey":
                    raise
                return ""
            answer["Body"].close()
            return STILL_THERE

    def _why_open(self, key: str) -> str:
        self.abort_transfers(key)
        return ""
