"""The box of a request.

A box is a random id that only its owner has, in a signed token. The token comes in the HttpOnly cookie `box`
(`__Host-box` behind TLS), as `Authorization: Bearer TOKEN`, or, for `curl -T`, as `X-Box-Token`. It lasts for 30 days
after its last use: a page and the answer to a new upload renew it. Its owner may end all tokens of a box at once
(`renewals`), and may have tokens that only send uploads.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from ..uploads.ids import new_id
from . import cookies, renewals
from .tokens import AGE, SHARED, Token, opened

COOKIE = "box"


class BadToken(Exception):
    """A header carried a token that we did not sign, that is too old, or that was replaced."""


class OnlySends(BadToken):
    """A header carried a token that may only send uploads."""


def token_of(box: str) -> str:
    """The token of a box whose tokens were never replaced, such as a new one."""
    return Token(box).signed()


def from_headers(request: HttpRequest) -> str | None:
    """The box of a token in a header; None if no header has one. Raises BadToken, and OnlySends of an owner's route."""
    token = sender_of(request)
    if token is not None and token.sender:
        raise OnlySends
    return token and token.box


def sender_of(request: HttpRequest) -> Token | None:
    """The token in a header, for a route that sends uploads; None if no header has one. Raises BadToken."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        text = request.headers.get("X-Box-Token", "")
    if not text:
        return None
    try:
        token = _opened(text.strip())
    except signing.BadSignature:
        raise BadToken from None
    if not _is_current(token):
        raise BadToken
    return token


def from_cookie(request: HttpRequest) -> str | None:
    """The box of the cookie; None if there is no cookie that we signed, or several, or one that was replaced."""
    return box_of(cookie_of(request))


def cookie_of(request: HttpRequest) -> Token | None:
    """The token of the cookie, current or not; None if there is none that we signed, or several.

    A token that only sends is none for a page.
    """
    text = cookies.only(request, cookies.prefixed(COOKIE))
    try:
        token = _opened(text) if text else None
    except signing.BadSignature:
        return None
    return None if token and token.sender else token


def box_of(token: Token | None) -> str | None:
    """The box of the cookie's token; None if there is none, or if it was replaced."""
    return token.box if token and _is_current(token) else None


def has_replaced_cookie(request: HttpRequest) -> bool:
    """Whether the cookie was one of ours that is replaced since."""
    token = cookie_of(request)
    return token is not None and not _is_current(token)


def new() -> str:
    """A box for a visitor who has none yet. A box has no row: it exists once something is in it."""
    return SHARED if settings.SHARED_BOX else new_id()


def remember(request: HttpRequest, response: HttpResponse, box: str, token: Token | None) -> HttpResponse:
    """Set the box's cookie on the response, unless that of the request is a fresh one, and return the response."""
    if token is None:
        return give(request, response, Token(box))
    if token.box != box:  # it was replaced, perhaps a moment ago by another tab, whose cookie must not be lost
        return response if _is_in_background(request) else give(request, response, Token(box))
    if token.old or not cookies.times_sent(request, cookies.prefixed(COOKIE)):
        return give(request, response, token)
    return response


def give(request: HttpRequest, response: HttpResponse, token: Token) -> HttpResponse:
    """Set this token as the browser's cookie on the response, and return the response."""
    response.set_cookie(
        cookies.prefixed(COOKIE),
        token.signed(),
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


def _is_in_background(request: HttpRequest) -> bool:
    """Whether a script of a page sent this, rather than a visitor who opened the page."""
    return "HX-Request" in request.headers or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


def _opened(text: str) -> Token:
    """Open a token. Raises BadSignature, also for one of a box that is shared no longer."""
    token = opened(text)
    if settings.SHARED_BOX:
        return token._replace(box=SHARED)
    if token.box == SHARED:
        raise signing.BadSignature("the box that all visitors shared is closed")
    return token


def _is_current(token: Token) -> bool:
    return token.box == SHARED or renewals.is_current(token)
