"""Which cookie of a request counts.

Behind TLS the names begin with `__Host-`, so a browser takes them from this host alone, and never from a neighbour
like evil.example.org beside drop.example.org. The names without it count until OLD_FORMS_UNTIL: version 0.1 set those.
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
"""

from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Cookies and tokens of version 0.1 count until then, which is more than the 30 days that its cookies live.
OLD_FORMS_UNTIL = datetime(2027, 1, 31, tzinfo=UTC)


def prefixed(name: str) -> str:
    """The cookie's name here: with `__Host-` in production."""
    return f"{settings.COOKIE_PREFIX}{name}"


def times_sent(request: HttpRequest, name: str) -> int:
    """How many cookies of this name the browser sent."""
    pairs = request.META.get("HTTP_COOKIE", "").split(";")
    return [pair.partition("=")[0].strip() for pair in pairs].count(name)


def only(request: HttpRequest, name: str) -> str | None:
    """The cookie of this name; None if there is none, or if there are several, because one of them is not ours.

    A browser sends a cookie of this host beside one that a neighbour has set for the whole domain, and does not say
    which is which.
    """
    return None if times_sent(request, name) > 1 else request.COOKIES.get(name)


def old_forms_count() -> bool:
    """Whether cookies and tokens of version 0.1 still count."""
    return datetime.now(UTC) < OLD_FORMS_UNTIL


class OldNames:
    """Middleware that reads `box` and `csrftoken` if a browser has no `__Host-` cookie in their place yet.

    Sessions last hours only, so an operator logs in again instead.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if old_forms_count():
            for name in ("box", "csrftoken"):
                old = only(request, name)
                if old is not None:
                    request.COOKIES.setdefault(prefixed(name), old)
        return self._get_response(request)
