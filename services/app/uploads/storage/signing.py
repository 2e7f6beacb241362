"""What lets a client move bytes without asking us again: presigned S3 URLs, and the local folder's tokens.

Each names one thing and carries its own end. Making or checking one asks neither storage nor the table.
"""

import json
import re
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from django.core.signing import BadSignature, Signer

# What every preview is, since we encode it.
PREVIEW_TYPE = "image/webp"
# The longest that S3 lets a presigned URL live: seven days.
LONGEST_LIFE = 604_800
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UNSAFE_IN_QUOTES = re.compile(r'[^ -~]|["\\%]')


class S3Signer:
    """Presigns URLs of one bucket, byte for byte as botocore does, at a small part of its cost.

    Follows "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)",
    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html. Bodies are not signed
    (UNSIGNED-PAYLOAD); their length is, where one is given.

    Args:
        bucket_url: where clients reach the bucket, its name in the host or in the path, such as
            `https://name.s3.eu-central-1.amazonaws.com` or `http://localhost:4566/name`.
        access_key, secret_key, session_token: the credentials that a URL acts with.
        region: the bucket's own; S3 refuses a signature made for another.
        now: the clock, in seconds since 1970.
    """

    def __init__(
        self,
        bucket_url: str,
        *,
        access_key: str,
        secret_key: str,
        region: str,
        session_token: str | None = None,
        now: Callable[[], float] = time.time,
    ):
        url = urlsplit(bucket_url)
        self.origin = f"{url.scheme}://{url.netloc}"
        self._root = url.path.rstrip("/")
        self._host = _host_header(url.scheme, url.netloc)
        self._access_key, self._secret_key, self._region = access_key, secret_key, region
        self._session = f"&X-Amz-Security-Token={_encoded(session_token)}" if session_token else ""
        self._now = now
        self._moment = _Moment(second=-1, day="", key=b"", query="", scope="")

    def part_url(self, key: str, transfer_id: str, number: int, size: int, *, lifetime: timedelta) -> str:
        """A URL that takes a PUT of exactly `size` bytes as part `number`; S3 answers any other length with 403."""
        transfer = _encoded(transfer_id)
        return self._signed(
            "PUT",
            key,
            query=f"uploadId={transfer}&partNumber={number}",
            in_order=f"partNumber={number}&uploadId={transfer}",
            length=size,
            lifetime=lifetime,
        )

    def download_url(
        self, key: str, *, disposition: str, content_type: str, cache_control: str, lifetime: timedelta
    ) -> str:
        """A URL that gives the object to a GET, with these three headers in the answer."""
        cached = f"response-cache-control={_encoded(cache_control)}"
        disposed = f"response-content-disposition={_encoded(disposition)}"
        typed = f"response-content-type={_encoded(content_type)}"
        return self._signed(
            "GET",
            key,
            query=f"{disposed}&{typed}&{cached}",
            in_order=f"{cached}&{disposed}&{typed}",
            length=None,
            lifetime=lifetime,
        )

    def _signed(
        self, method: str, key: str, *, query: str, in_order: str, length: int | None, lifetime: timedelta
    ) -> str:
        """The URL for `query`, which the signature covers sorted by name: `in_order`."""
        moment = self._moment
        # The start is rounded down, as is the life, so that no URL outlives what was asked for.
        if moment.second != (second := int(self._now())):
            moment = self._moment = self._at(second)
        life = max(1, min(int(lifetime.total_seconds()), LONGEST_LIFE))
        path = f"{self._root}/{quote(key)}"
        if length is None:
            names, encoded_names, headers = "host", "host", ""
        else:
            names, encoded_names, headers = "content-length;host", "content-length%3Bhost", f"content-length:{length}\n"
        opening = f"{moment.query}&X-Amz-Expires={life}"
        request = (
            f"{method}\n{path}\n"
            f"{opening}{self._session}&X-Amz-SignedHeaders={encoded_names}&{in_order}\n"
            f"{headers}host:{self._host}\n\n{names}\nUNSIGNED-PAYLOAD"
        )
        signature = digest(moment.key, (moment.scope + sha256(request.encode()).hexdigest()).encode(), "sha256").hex()
        return (
            f"{self.origin}{path}?{query}&{opening}&X-Amz-SignedHeaders={encoded_names}{self._session}"
            f"&X-Amz-Signature={signature}"
        )

    def _at(self, second: int) -> "_Moment":
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        day = stamp[:8]
        scope = f"{day}/{self._region}/s3/aws4_request"
        return _Moment(
            second=second,
            day=day,
            key=self._moment.key if day == self._moment.day else self._key_of(day),
            query="X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Credential={_encoded(f'{self._access_key}/{scope}')}&X-Amz-Date={stamp}",
            scope=f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n",
        )

    def _key_of(self, day: str) -> bytes:
        key = f"AWS4{self._secret_key}".encode()
        for word in (day, self._region, "s3", "aws4_request"):
            key = digest(key, word.encode(), "sha256")
        return key


@dataclass(frozen=True, slots=True)
class _Moment:
    """What all signatures of one second have in common, and the key, which all of a day share."""

    second: int
    day: str
    key: bytes
    query: str
    scope: str


def attachment(name: str) -> str:
    """The Content-Disposition (RFC 6266) that makes a browser save what follows as `name`.

    Whatever the name, the value is ASCII and one line. A name that a quoted string may not hold safely goes
    into `filename*`, which browsers prefer, with a plain one beside it for the rest. Control characters become `_`.
    """
    name = _CONTROL.sub("_", name)
    plain = _UNSAFE_IN_QUOTES.sub("_", name)
    exact = f"; filename*=UTF-8''{quote(name, safe='', errors='replace')}" if plain != name else ""
    return f'attachment; filename="{plain}"{exact}'


class TokenRefused(Exception):
    """A token that we did not sign, or not for this, or whose time has passed."""


@dataclass(frozen=True, slots=True)
class PartGrant:
    """Leave to send one part of exactly `size` bytes."""

    key: str
    transfer_id: str
    number: int
    size: int


@dataclass(frozen=True, slots=True)
class ObjectGrant:
    """Leave to fetch one object, as an attachment called `name`."""

    key: str
    name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class PreviewGrant:
    """Leave to see one preview in a page."""

    key: str


Grant = TypeVar("Grant", PartGrant, ObjectGrant, PreviewGrant)


def token_of(grant: Grant, *, lifetime: timedelta, now: Callable[[], float] = time.time) -> str:
    """A token, fit for a path, that holds `grant` until `lifetime` from now."""
    return _signer(type(grant)).sign_object([now() + lifetime.total_seconds(), *astuple(grant)], serializer=_Json)


def grant_in(token: str, kind: type[Grant], *, now: Callable[[], float] = time.time) -> Grant:
    """What `token_of` put into the token.

    Raises:
        TokenRefused: it is not ours, holds another kind of grant, or has expired.
    """
    try:
        expires, *fields = _signer(kind).unsign_object(token, serializer=_Json)
    except BadSignature as error:
        raise TokenRefused("This link is not one that we made.") from error
    if now() >= expires:
        raise TokenRefused("This link has expired.")
    return kind(*fields)


def _signer(kind: type) -> Signer:
    # The salt holds the kind, so that a token of one kind is never taken for another.
    return Signer(salt=f"uploads.storage.{kind.__name__}")


class _Json:
    """As Django's, but UTF-8: a name of 255 characters then fits the 4,094 bytes that gunicorn takes for a line."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def loads(self, content: bytes) -> Any:
        return json.loads(content)


# The parts of one upload share their transfer, and many downloads their type.
@lru_cache(maxsize=256)
def _encoded(value: str) -> str:
    return quote(value, safe="")


def _host_header(scheme: str, netloc: str) -> str:
    """As clients send it: in lower case, and without the port that the scheme implies."""
    return netloc.lower().removesuffix({"http": ":80", "https": ":443"}.get(scheme, ""))
