"""The way from the page of an upload to its bytes: the password, the confirmation, and the redirect."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ..storage.default import uploads_storage
from ..uploads import opening
from ..visitors.passes import remember_pass, remember_taken, visitor_of
from ..visitors.rates import Rate
from . import fetches
from .caching import never_stored
from .gate import CLOSED, closed, unlocked
from .limited import limited
from .redirects import see


@never_stored
@csrf_exempt  # a download changes nothing that is the visitor's
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.DOWNLOADS, "GET", "HEAD", "POST")
def download(request: HttpRequest, upload_id: str) -> HttpResponse:
    """Redirect to the bytes, by a URL that storage accepts for a minute at most. A HEAD is answered here.

    If the upload has a password or a limit, a GET leads to its page. The form there sends a POST, which may have the
    field `password`, and takes one of the downloads.
    """
    try:
        if request.method == "HEAD":
            return described(opening.describe_download(upload_id, visitor_of(request), storage=uploads_storage))
        if request.method == "POST":
            return _taken(request, upload_id)
        url = opening.download_url(upload_id, visitor_of(request), storage=uploads_storage)
    except CLOSED as error:
        return closed(request, upload_id, error)
    fetches.record(request, upload_id)
    return HttpResponseRedirect(url)


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.DOWNLOADS, "POST")
def unlock(request: HttpRequest, upload_id: str) -> HttpResponse:
    """Take the password of an upload, and lead back to its page with a cookie that opens it."""
    try:
        guard = unlocked(request, upload_id)[1] if request.method == "POST" else None
    except CLOSED as error:
        return closed(request, upload_id, error)
    response = see("share", upload_id)
    return remember_pass(request, response, guard) if guard else response


def described(found: opening.Described) -> HttpResponse:
    """The answer to a HEAD. A redirect would lead to 403, because storage accepts a signature for one method only."""
    return HttpResponse(
        headers={
            "Content-Length": str(found.size),
            "Content-Type": found.content_type,
            "Content-Disposition": found.disposition,
        }
    )


def _taken(request: HttpRequest, upload_id: str) -> HttpResponse:
    visitor, guard = unlocked(request, upload_id)
    taken = opening.take_download(upload_id, visitor, storage=uploads_storage)
    response = see(taken.url)
    if guard:
        remember_pass(request, response, guard)
    if taken.counted:
        remember_taken(request, response, taken.counted)
    if not taken.again:
        fetches.record(request, upload_id)
    return response
