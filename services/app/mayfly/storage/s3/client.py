"""One botocore client a thread, all made from one session, with an upper bound on how long a call may take."""

import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from ..many import AT_ONCE
from . import entries

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CONNECT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client bears silence, and after how long a call is not tried again. Both in seconds."""

    read: float
    retry: float


# A retry takes up to 3 s to connect and 10 s to read. It begins no later than after 4 s and a pause of 2 s at most. So
# a call ends within 19 s, before Celery's soft limit of 20 s and the router's 30 s.
USUAL = Patience(read=10, retry=4)
# To put an object together, a server copies gigabytes before it answers. This call ends within 23 s. The wait for a
# place takes up to a second (`uploads.places`) and that for a lock five (`uploads.locks`), and the router has 30.
LONG = Patience(read=17, retry=1)


def configuration(endpoint_url: str | None) -> Config:
    """The settings of a client for this server; None means AWS."""
    return Config(
        signature_version="s3v4",
        s3={
            # Other servers seldom have a host name for each bucket; AWS requires one.
            "addressing_style": "path" if endpoint_url else "virtual",
            "us_east_1_regional_endpoint": "regional",
        },
        # Many other servers do not know the checksums that botocore adds by default.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=CONNECT_SECONDS,
        # Each request of `many` has a connection, and each connection is kept for the next one.
        max_pool_connections=AT_ONCE,
        retries={"mode": "standard", "total_max_attempts": 3},
    )


class Clients:
    """Makes and keeps each thread's clients for one server and one pair of keys, one for each patience.

    A session costs 13 MB and 100 ms; a client made from an existing session costs 0.4 MB and 6 ms.
    """

    def __init__(
        self,
        *,
        endpoint_url: str | None,
        region_name: str,
        access_key: str | None,
        secret_key: str | None,
        session_token: str | None,
        config: Config,
    ):
        self._options: dict[str, Any] = {
            "endpoint_url": endpoint_url,
            "region_name": region_name,
            "aws_access_key_id": access_key,
            "aws_secret_access_key": secret_key,
            "aws_session_token": session_token,
        }
        self._config = config
        self._session: boto3.Session | None = None
        self._of_thread = threading.local()
        # A session must not make two clients at once.
        self._one_at_a_time = threading.Lock()

    def get(self, patience: Patience) -> "S3Client":
        """This thread's client of this patience."""
        clients = self._clients()
        if patience not in clients:
            clients[patience] = self._new(patience)
        return clients[patience]

    def use(self, client: "S3Client", patience: Patience) -> None:
        """Let this thread use another thread's client."""
        self._clients()[patience] = client

    def _clients(self) -> "dict[Patience, S3Client]":
        clients: dict[Patience, S3Client] = self._of_thread.__dict__.setdefault("clients", {})
        return clients

    def _new(self, patience: Patience) -> "S3Client":
        config = self._config.merge(Config(read_timeout=patience.read))
        with self._one_at_a_time:
            if self._session is None:
                self._session = boto3.Session()
            client = self._session.client("s3", config=config, **self._options)
        client.meta.events.register("before-call.s3", _note_the_time)
        client.meta.events.register("before-sign.s3.DeleteObjects", _check_by_md5)
        client.meta.events.register("before-parse.s3.ListObjectsV2", entries.read)
        only_in_time = partial(_only_in_time, seconds=patience.retry)
        client.meta.events.register_first("needs-retry.s3", only_in_time)  # type: ignore[arg-type]  # stubs want no answer
        return client


def _note_the_time(params: dict[str, Any], **event: Any) -> None:
    params["context"]["mayfly_began"] = time.monotonic()


def _check_by_md5(request: AWSRequest, **event: Any) -> None:
    """Send the checksum of a removal as all servers know it: S3 requires one, and many know Content-MD5 alone."""
    for name in [name for name in request.headers if "checksum" in name.lower()]:
        del request.headers[name]
    del request.headers["Content-MD5"]  # of an earlier try
    digest = md5(request.body, usedforsecurity=False).digest()  # type: ignore[arg-type]  # the stubs say str
    request.headers["Content-MD5"] = b64encode(digest).decode()


def _only_in_time(request_dict: dict[str, Any], *, seconds: float, **event: Any) -> bool | None:
    """Forbid a retry that might end too late: False forbids it, None leaves the choice to botocore."""
    late = time.monotonic() - request_dict["context"]["mayfly_began"] > seconds
    return False if late else None
