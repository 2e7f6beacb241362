"""The box of a request.

A box is a random id that only its owner has, in a signed token. The token comes in the HttpOnly cookie `box`
(`__Host-box` behind TLS), as `Authorization: Bearer TOKEN`, or, for `curl -T`, as `X-Box-Token`. It lasts for 30 days
after its last use: a page and the answer to a new upload renew it.
"""

from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from ..uploads.ids import is_id, new_id
from . import cookies

COOKIE = "box"
AGE = 30 * 24 * 3600  # seconds; longer than any upload lives, so no visitor loses a box with something in it
RENEWED_AFTER = 24 * 3600  # seconds; a cookie with each page would cost more than it gains
SHARED = "shared"


class BadToken(Exception):
    """A header carried a token that we did not sign, or that is too old."""


class _Opened(NamedTuple):
    """The box of a token, and whether the token is old enough to be renewed."""

    box: str
    old: bool


def token_of(box: str) -> str:
    """The token by which the box's owner is known for the next 30 days."""
    return _signer().sign(box)


def from_headers(request: HttpRequest) -> str | None:
    """The box of a token in a header; None if no header has one. Raises BadToken."""
    opened = _of_headers(request)
    return opened and opened.box


def from_cookie(request: HttpRequest) -> str | None:
    """The box of the cookie; None if there is no cookie that we signed, or several."""
    opened = _of_cookie(request)
    return opened and opened.box


def new() -> str:
    """A box for a visitor who has none yet. A box has no row: it exists once something is in it."""
    return SHARED if settings.SHARED_BOX else new_id()


def token_to_renew(request: HttpRequest) -> bool:
    """Whether the request carries a token in a header that is old enough to be renewed. Raises BadToken."""
    opened = _of_headers(request)
    return opened is not None and opened.old


def remember(request: HttpRequest, response: HttpResponse, box: str) -> HttpResponse:
    """Set the box's cookie on the response, unless the browser has a fresh one, and return the response."""
    name = cookies.prefixed(COOKIE)
    if _of_cookie(request) != _Opened(box, old=False) or not cookies.times_sent(request, name):
        response.set_cookie(
            name,
            token_of(box),
            max_age=AGE,
            httponly=True,
            samesite="Lax",
            secure=bool(settings.COOKIE_PREFIX) or request.is_secure(),
        )
    return response


def forget(response: HttpResponse) -> HttpResponse:
    """Remove the box's cookie from the browser, and return the response. The uploads stay until their time."""
    for name in {cookies.prefixed(COOKIE), COOKIE}:
        response.delete_cookie(name, samesite="Lax")
    return response


def _of_headers(request: HttpRequest) -> _Opened | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.headers.get("X-Box-Token", "")
    if not token:
        return None
    try:
        return _opened(token.strip())
    except signing.BadSignature:
        raise BadToken from None


def _of_cookie(request: HttpRequest) -> _Opened | None:
    token = cookies.only(request, cookies.prefixed(COOKIE))
    try:
        return _opened(token) if token else None
    except signing.BadSignature:
        return None


def _opened(token: str) -> _Opened:
    """Open a token. Raises BadSignature if it is not ours, too old, or of a box that is shared no longer."""
    opened = _verified(token)
    if settings.SHARED_BOX:
        return opened._replace(box=SHARED)
    if not is_id(opened.box):
        raise signing.BadSignature("the box that all visitors shared is closed")
    return opened


def _verified(token: str) -> _Opened:
    try:
        return _Opened(_signer().unsign(token, max_age=RENEWED_AFTER), old=False)
    except signing.SignatureExpired:
        return _Opened(_signer().unsign(token, max_age=AGE), old=True)
    except signing.BadSignature:
        if not cookies.old_forms_count():
            raise
    return _Opened(signing.Signer(salt="mayfly.box").unsign(token), old=True)  # of version 0.1, without an age


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="mayfly.box.aged")
