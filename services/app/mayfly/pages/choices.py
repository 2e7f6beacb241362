"""The choices that a command line makes in headers: X-Title, X-Lifetime, X-Password and X-Downloads."""

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..uploads.errors import NotAllowed
from .forms import downloads_given, lifetime_given


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of a sender; each one has its usual value if they made none."""

    title: str = ""
    lifetime: timedelta | None = None
    downloads: int | None = None
    password: str = ""


def from_headers(request: HttpRequest) -> Choices:
    """The choices in the headers. `?lifetime=` counts if there is no X-Lifetime; both have seconds. Raises NotAllowed.

    Title and password are checked where the upload begins.
    """
    lifetime = _text(request, "X-Lifetime") or request.GET.get("lifetime", "")
    return Choices(
        title=_text(request, "X-Title"),
        lifetime=lifetime_given(lifetime),
        downloads=downloads_given(_text(request, "X-Downloads")),
        password=_text(request, "X-Password"),
    )


def _text(request: HttpRequest, header: str) -> str:
    """The header's text, which a terminal sends in UTF-8. WSGI gives each of its bytes as one character."""
    try:
        return request.headers.get(header, "").encode("latin-1").decode()
    except UnicodeError:
        raise NotAllowed("not_text", _("This is not valid text."), field=header) from None
