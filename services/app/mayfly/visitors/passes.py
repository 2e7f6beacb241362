"""The things that a browser shows at the gate: its box, the passwords that were typed there, and its last download.

Both cookies are HttpOnly and worth nothing once their uploads have ended. A pass is a keyed hash of the upload's
password, so only we can make one, and a new password ends it.
"""

import re
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from ..uploads.guarded import PASS_LENGTH, Guarded
from ..uploads.ids import ID_LENGTH
from ..uploads.limits import DOWNLOAD_URL_LIFETIME, limits
from ..uploads.opening import Visitor
from . import boxes, cookies

PASSES, TAKEN = "passes", "taken"
# A cookie of so many has 900 bytes, and all headers of a request may have 8 KB.
MOST_PASSES = 20
_PASS = re.compile(f"([A-Za-z0-9]{{{ID_LENGTH}}})([0-9a-f]{{{PASS_LENGTH}}})")


def visitor_of(request: HttpRequest) -> Visitor:
    """The visitor of a page, by the cookies of their browser, or by the token of a program."""
    try:
        box = boxes.from_headers(request)
    except boxes.BadToken:
        box = None
    return Visitor(box or boxes.from_cookie(request), _passes(request), _taken(request))


def remember_pass(request: HttpRequest, response: HttpResponse, guard: Guarded) -> HttpResponse:
    """Let this browser look at what the guard protects until that expires; it has shown the password."""
    passes = _passes(request)
    passes.pop(guard.pk, None)
    newest = [*passes.items(), (guard.pk, guard.pass_value)][-MOST_PASSES:]
    _set(request, response, PASSES, ".".join(f"{pk}{value}" for pk, value in newest), limits.longest_lifetime)
    return response


def remember_taken(request: HttpRequest, response: HttpResponse, guard: Guarded) -> HttpResponse:
    """Let this browser begin the same download again for a minute, as after a second click or a broken connection."""
    if guard.pk not in _taken(request):  # the minute counts from the first time
        _set(request, response, TAKEN, _signer().sign(guard.pk), DOWNLOAD_URL_LIFETIME)
    return response


def _passes(request: HttpRequest) -> dict[str, str]:
    return dict(_PASS.findall(cookies.only(request, cookies.prefixed(PASSES)) or ""))


def _taken(request: HttpRequest) -> frozenset[str]:
    try:
        shown = cookies.only(request, cookies.prefixed(TAKEN)) or ""
        return frozenset([_signer().unsign(shown, max_age=DOWNLOAD_URL_LIFETIME)])
    except signing.BadSignature:
        return frozenset()


def _set(request: HttpRequest, response: HttpResponse, name: str, value: str, age: timedelta) -> None:
    secure = bool(settings.COOKIE_PREFIX) or request.is_secure()
    name = cookies.prefixed(name)
    response.set_cookie(name, value, max_age=age, httponly=True, samesite="Lax", secure=secure)


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="mayfly.taken")
