"""The protection that a command line chooses in headers: X-Password and X-Downloads."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..uploads.errors import NotAllowed
from ..uploads.guarded import Protection
from .forms import downloads_given


def protection_from_headers(request: HttpRequest) -> Protection:
    """The password, which a terminal sends in UTF-8, and the limit. Raises NotAllowed and Hashing."""
    try:
        # WSGI gives each byte as one character.
        password = request.headers.get("X-Password", "").encode("latin-1").decode()
    except UnicodeError:
        raise NotAllowed("not_text", _("This is not valid text."), field="password") from None
    return Protection.chosen(password=password, downloads=downloads_given(request.headers.get("X-Downloads", "")))
