"""Who asks: which box a request belongs to, and which address it comes from.

A box is a random id that only its owner holds, in a signed token. The token comes in the HttpOnly cookie `box`, as
`Authorization: Bearer TOKEN`, or, for `curl -T`, as `X-Box-Token`.
"""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from .models import ID_LENGTH, new_id

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


def address_of(request: HttpRequest) -> str:
    """Where a request comes from, as a keyed hash: it can be counted by, and not be read back.

    Behind a router of ours it is the last address in X-Forwarded-For, the one that the router has added; what
    stands before it is the client's own word. Of an IPv6 address the first 64 bits count, since that much is
    what one subscriber has.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY:
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    if ip.version == 6:
        ip = ip.ipv4_mapped or ip_network((ip, 64), strict=False).network_address
    return salted_hmac("mayfly.address", str(ip)).hexdigest()[:ID_LENGTH]


def _opened(token: str) -> str:
    box = _signer.unsign(token)
    return SHARED if settings.SHARED_BOX else box
