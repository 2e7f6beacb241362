"""S3's answers in terms of the protocol, however a server writes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from ..protocol import Found, StorageError, TransferNotFound, Unreachable

# With these errors a server refuses a removal of many keys, but no removal of one: it does not know the call, or wants
# another checksum.
NO_BATCHES = ("InvalidDigest", "InvalidRequest", "MethodNotAllowed", "MissingContentMD5", "NotImplemented")


@contextmanager
def answering() -> Iterator[None]:
    """Turn botocore's exceptions into StorageError and TransferNotFound, as the protocol promises."""
    try:
        yield
    except ClientError as error:
        if code_of(error) == "NoSuchUpload":
            raise TransferNotFound(str(error)) from error
        raise StorageError(str(error)) from error
    except EndpointConnectionError as error:
        raise Unreachable(str(error)) from error
    except BotoCoreError as error:
        raise StorageError(str(error)) from error
    except KeyError as missing:
        raise StorageError(f"the answer lacks {missing}") from missing
    except ValueError as error:
        # For example a date that botocore cannot read.
        raise StorageError(f"the answer cannot be read: {error}") from error


def code_of(error: ClientError) -> str:
    """S3's name for the error; empty if the server gave none."""
    return error.response["Error"].get("Code", "")


def status_of(error: ClientError) -> int:
    """The HTTP status of the error."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def refuses_range(error: ClientError) -> bool:
    """Whether a server refuses the range, not the object: all do so for an empty one, some for any that is shorter."""
    return status_of(error) == 416 or code_of(error) in ("InvalidRange", "InvalidArgument", "InvalidRequest")


def refuses_parts(error: ClientError) -> bool:
    """Whether a server refuses to join the parts that were named. Each has its own words, and 400 for all of them."""
    return status_of(error) == 400


def takes_no_batches(error: ClientError) -> bool:
    """Whether a server refuses DeleteObjects itself, and so has removed nothing."""
    return code_of(error) in NO_BATCHES or status_of(error) in (405, 501)


def quoted(etag: str) -> str:
    """An ETag in quotes, as AWS lists it and every server takes it back; some list it without."""
    return '"{}"'.format(etag.strip('"'))


def found(key: str, since: datetime) -> Found:
    """An entry of a listing. A date without a zone is one of UTC, as all dates of S3 are."""
    return Found(key, since=since if since.tzinfo else since.replace(tzinfo=UTC))
