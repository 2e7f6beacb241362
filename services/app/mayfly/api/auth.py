"""The caller of the API: the box of a token in a header, or of the cookie."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from .. import links
from ..problems import Unanswerable
from ..uploads.models import Upload
from ..visitors import boxes


@dataclass(frozen=True, slots=True)
class Caller:
    """The box of a token or cookie, or None for a visitor who has none yet."""

    box: str | None


class BoxToken(HttpBearer):
    """Accepts a token in a header as it is; with the cookie, a change needs the CSRF header too.

    Raises:
        Unanswerable: 401 if the token is not ours; 403 if another site may have made the request; 415 if the body is
            not JSON, because a form on another site could send it.
    """

    def __call__(self, request: HttpRequest) -> Caller:
        return self.authenticate(request)

    def authenticate(self, request: HttpRequest, token: str = "") -> Caller:
        if request.META.get("CONTENT_LENGTH") not in (None, "", "0") and request.content_type != "application/json":
            raise Unanswerable("not_json")
        try:
            box = boxes.from_headers(request)
        except boxes.BadToken:
            raise Unanswerable("bad_token") from None
        if box is None:
            box = boxes.from_cookie(request)
            if box is not None and check_csrf(request):
                if links.comes_from_elsewhere(request):
                    raise Unanswerable("wrong_origin", expected=links.site(request))
                raise Unanswerable("csrf")
        return Caller(box)


def box_of(request: HttpRequest) -> str | None:
    """The caller's box, or None."""
    caller: Caller = request.auth  # type: ignore[attr-defined]  # ninja sets it to the result of `authenticate`
    return caller.box


def owned(request: HttpRequest, upload_id: str) -> Upload:
    """The caller's upload with this id. Raises Http404 alike for a stranger's id and for an unknown one."""
    box = box_of(request)
    if box is None:
        raise Unanswerable("box_needed")
    upload = Upload.objects.of(box).filter(pk=upload_id).first()
    if upload is None:
        raise Http404
    return upload
