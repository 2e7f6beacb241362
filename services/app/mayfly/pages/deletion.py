"""The link that deletes one upload, for a sender on a command line: it needs no box."""

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from .. import links
from ..problems import problem_of
from ..storage.default import uploads_storage
from ..uploads import lifecycle
from ..uploads.errors import Gone
from ..uploads.models import Upload
from .caching import never_stored
from .redirects import see


def link(request: HttpRequest, upload: Upload) -> str:
    """The absolute address that deletes this upload. No other upload ever has its id, so the link dies with it."""
    return links.absolute(request, reverse("delete-link", args=[_signer().sign(upload.pk)]))


@never_stored
@csrf_exempt  # a page of another site would have to know the link
@require_http_methods(["GET", "HEAD", "POST", "DELETE"])
def delete(request: HttpRequest, token: str) -> HttpResponse:
    """DELETE and POST remove the upload. A GET shows a page that posts, because programs follow links unasked.

    The page shows nothing of the upload, which may need a password.
    """
    try:
        upload_id = _signer().unsign(token)
    except signing.BadSignature:
        raise Http404 from None
    upload = Upload.objects.live().filter(pk=upload_id).first()
    if request.method in ("GET", "HEAD"):
        return render(request, "pages/delete.html") if upload else redirect("share", upload_id)
    if upload:
        lifecycle.remove(upload, storage=uploads_storage)
    if request.method == "POST" and "text/html" in request.headers.get("Accept", ""):
        return see("share", upload_id)  # the receipt
    return _line(upload_id) if upload else problem_of(Gone()).as_line()


def _line(upload_id: str) -> HttpResponse:
    left = Upload.objects.removing().filter(pk=upload_id).count()
    if left:
        text = ngettext("%d upload is being deleted.", "%d uploads are being deleted.", left) % left
    else:
        text = ngettext("%d upload deleted.", "%d uploads deleted.", 1) % 1
    return HttpResponse(f"{text}\n", content_type="text/plain; charset=utf-8")


def _signer() -> signing.Signer:
    return signing.Signer(salt="mayfly.delete")
