"""Tokens that let a client move bytes through the app itself, as presigned URLs do for S3.

Each token names one thing and carries its own end. To make or to check one needs neither storage nor the table.
"""

import json
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.core.signing import BadSignature, Signer


class TokenRefused(Exception):
    """We did not sign this token, or not for this use."""


class TokenExpired(TokenRefused):
    """We signed this token, and its time has passed."""


@dataclass(frozen=True, slots=True)
class PartGrant:
    """Permission to send one part of exactly `size` bytes."""

    key: str
    transfer_id: str
    number: int
    size: int


@dataclass(frozen=True, slots=True)
class ObjectGrant:
    """Permission to fetch one object, as an attachment called `name`."""

    key: str
    name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class PreviewGrant:
    """Permission to see one preview in a page."""

    key: str


Grant = TypeVar("Grant", PartGrant, ObjectGrant, PreviewGrant)


def token_of(grant: Grant, *, lifetime: timedelta, now: Callable[[], float] = time.time) -> str:
    """A token, fit for a path, that holds `grant` until `lifetime` from now."""
    return _signer(type(grant)).sign_object([now() + lifetime.total_seconds(), *astuple(grant)], serializer=_Json)


def grant_in(token: str, kind: type[Grant], *, now: Callable[[], float] = time.time) -> Grant:
    """The grant that `token_of` put into the token.

    Raises:
        TokenRefused: it is not ours, or holds another kind of grant.
        TokenExpired: its time has passed.
    """
    try:
        expires, *fields = _signer(kind).unsign_object(token, serializer=_Json)
    except BadSignature as error:
        raise TokenRefused from error
    if now() >= expires:
        raise TokenExpired
    return kind(*fields)


def _signer(kind: type) -> Signer:
    # The salt holds the kind, so that a token of one kind never passes for another.
    return Signer(salt=f"uploads.storage.{kind.__name__}")


class _Json:
    """Django's serializer, but UTF-8: a name of 255 characters then fits gunicorn's limit of 8,190 bytes a line."""

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    def loads(self, content: bytes) -> Any:
        return json.loads(content)
