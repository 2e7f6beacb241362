"""Which box a request belongs to. A box is a random id that only its owner holds, in a signed token.

The token comes in the HttpOnly cookie `box`, as `Authorization: Bearer TOKEN`, or, for `curl -T`, as `X-Box-Token`.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from .models import new_id

COOKIE = "box"
COOKIE_AGE = 30 * 24 * 3600  # seconds; longer than any upload lives, so that a box is lost to nobody in use
SHARED = "shared"
_signer = signing.Signer(salt="mayfly.box")


class BadToken(Exception):
    """A token was sent on purpose, in a header, and is none of ours."""


def token_of(box: str) -> str:
    """What the box's owner shows to be known as such."""
    return _signer.sign(box)


def from_headers(request: HttpRequest) -> str | None:
    """The box of a token in a header; None without one. Raises BadToken."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        token = request.headers.get("X-Box-Token", "")
    if not token:
        return None
    try:
        return _opened(token.strip())
    except signing.BadSignature:
        raise BadToken from None


def from_cookie(request: HttpRequest) -> str | None:
    """The box of the cookie; None without one that is ours."""
    try:
        return _opened(request.COOKIES[COOKIE])
    except (KeyError, signing.BadSignature):
        return None


def new() -> str:
    """A box for somebody who has none. It has no row: it exists once something is in it."""
    return SHARED if settings.SHARED_BOX else new_id()


def remember(request: HttpRequest, response: HttpResponse, box: str) -> HttpResponse:
    """Let the browser keep the box."""
    response.set_cookie(
        COOKIE, token_of(box), max_age=COOKIE_AGE, httponly=True, samesite="Lax", secure=request.is_secure()
    )
    return response


def _opened(token: str) -> str:
    box = _signer.unsign(token)
    return SHARED if settings.SHARED_BOX else box
