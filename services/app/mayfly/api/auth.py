"""The caller of the API: the box of a token in a header, or of the cookie."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest
from ninja.security import HttpBearer
from ninja.utils import check_csrf

from .. import links
from ..problems import Unanswerable
from ..uploads.models import Upload
from ..visitors import boxes, renewals
from ..visitors.tokens import Token


@dataclass(frozen=True, slots=True)
class Caller:
    """The token in a header, or the cookie's box; neither for a visitor who has no box yet."""

    token: Token | None = None
    cookie: str | None = None


class BoxToken(HttpBearer):
    """Accepts the token of a box in a header; with the cookie, a change needs the CSRF header too.

    Raises:
        Unanswerable: 401 if the token is not ours or was replaced; 403 if it may only send uploads, or if another site
            may have made the request; 415 if the body is not JSON, because a form on another site could send it.
    """

    def __call__(self, request: HttpRequest) -> Caller:
        return self.authenticate(request)

    def authenticate(self, request: HttpRequest, token: str = "") -> Caller:
        caller = _caller(request)
        if caller.token and caller.token.sender:
            raise Unanswerable("only_sends")
        return caller


class SendingToken(BoxToken):
    """As BoxToken, and accepts a token that may only send uploads."""

    def authenticate(self, request: HttpRequest, token: str = "") -> Caller:
        return _caller(request)


def caller_of(request: HttpRequest) -> Caller:
    """The caller, as the operation's authentication found it."""
    caller: Caller = request.auth  # type: ignore[attr-defined]  # ninja sets it to the result of `authenticate`
    return caller


def box_of(request: HttpRequest) -> str | None:
    """The caller's box, or None."""
    caller = caller_of(request)
    return caller.token.box if caller.token else caller.cookie


def token_for(request: HttpRequest, box: str) -> str | None:
    """The token that the answer to a call brings: that of the box which it made, or a fresh one in place of an old one.

    A repeated call gives the token of its box again, but not once that was replaced: then it raises Unanswerable.
    """
    caller = caller_of(request)
    if caller.token:
        return caller.token.signed() if caller.token.old else None
    if caller.cookie:
        return None
    if renewals.generation_of(box) is not None:
        raise Unanswerable("bad_token")
    return boxes.token_of(box)


def owned(request: HttpRequest, upload_id: str) -> Upload:
    """The caller's upload with this id. A token that may only send has those that it began itself.

    Raises Http404 alike for a stranger's id and for an unknown one.
    """
    box = box_of(request)
    if box is None:
        raise Unanswerable("box_needed")
    upload = Upload.objects.by_id(upload_id)
    token = caller_of(request).token
    if upload is None or upload.box != box or (token and token.sender and upload.sender != token.sender):
        raise Http404
    return upload


def _caller(request: HttpRequest) -> Caller:
    if request.META.get("CONTENT_LENGTH") not in (None, "", "0") and request.content_type != "application/json":
        raise Unanswerable("not_json")
    try:
        token = boxes.sender_of(request)
    except boxes.BadToken:
        raise Unanswerable("bad_token") from None
    if token is not None:
        return Caller(token=token)
    # A browser sends the cookie along to a neighbour on the same domain as well.
    if links.comes_from_api_client(request):
        return Caller()
    box = boxes.from_cookie(request)
    if box is None and boxes.has_replaced_cookie(request):
        raise Unanswerable("bad_token")  # an upload would go into a box that this browser does not know
    if box is not None and check_csrf(request):
        if links.comes_from_elsewhere(request):
            raise Unanswerable("wrong_origin", expected=links.site(request))
        raise Unanswerable("csrf")
    return Caller(cookie=box)
