"""The box of a request.

A box is a random id that only its owner has, in a signed token. The token comes in the HttpOnly cookie `box`, as
`Authorization: Bearer TOKEN`, or, for `curl -T`, as `X-Box-Token`.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from ..uploads.ids import new_id

COOKIE = "box"
COOKIE_AGE = 30 * 24 * 3600  # seconds; longer than any upload lives, so no visitor loses a box with something in it
SHARED = "shared"
_signer = signing.Signer(salt="mayfly.box")


class BadToken(Exception):
    """A header carried a token that we did not sign."""


def token_of(box: str) -> str:
    """The token by which the box's owner is known."""
    return _signer.sign(box)


def from_headers(request: HttpRequest) -> str | None:
    """The box of a token in a header; None if no header has one. Raises BadToken."""
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
    """The box of the cookie; None if there is no cookie that we signed."""
    try:
        return _opened(request.COOKIES[COOKIE])
    except (KeyError, signing.BadSignature):
        return None


def new() -> str:
    """A box for a visitor who has none yet. A box has no row: it exists once something is in it."""
    return SHARED if settings.SHARED_BOX else new_id()


def remember(request: HttpRequest, response: HttpResponse, box: str) -> HttpResponse:
    """Set the box's cookie on the response, and return it."""
    response.set_cookie(
        COOKIE, token_of(box), max_age=COOKIE_AGE, httponly=True, samesite="Lax", secure=request.is_secure()
    )
    return response


def _opened(token: str) -> str:
    box = _signer.unsign(token)
    return SHARED if settings.SHARED_BOX else box
