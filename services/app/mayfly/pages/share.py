"""One upload by its link: the share page, its picture and its QR code, and its end."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from ..storage.default import uploads_storage
from ..uploads import lifecycle, opening
from ..uploads.choices import Kind
from ..uploads.errors import Gone, Locked
from ..uploads.models import Upload
from ..uploads.opening import Operator, Visitor
from ..visitors import boxes
from ..visitors.passes import visitor_of
from ..visitors.rates import Rate
from . import download
from .caching import never_stored
from .gate import CLOSED, closed, locked, receipt
from .limited import limited
from .lists import PAGES, say_what_is_left
from .qr_code import qr_code
from .redirects import see, see_list


@never_stored
@require_safe
def share(request: HttpRequest, upload_id: str) -> HttpResponse:
    """The page for a visitor with the link: the upload, or its receipt."""
    visitor = visitor_of(request)
    try:
        upload = opening.open_upload(upload_id, visitor)
    except Gone:
        return receipt(request, upload_id)
    except Locked as error:
        return locked(request, error, action=reverse("open", args=[upload_id]))
    mine = visitor.owns(upload)
    context = {
        "upload": upload,
        "guard": opening.guard_of(upload),
        "mine": mine,
        "page": PAGES[Kind(upload.kind)] if mine else "",  # a recipient is on no page of theirs
        "shows_contents": opening.shows_contents(upload, visitor),
        "lines": opening.first_lines(upload, visitor, storage=uploads_storage),
    }
    return render(request, "pages/share.html", context)


@never_stored
@require_safe
@limited(Rate.QR_CODES, "GET", "HEAD")
def qr(request: HttpRequest, upload_id: str) -> HttpResponse:
    """The link as a QR code, for a phone to read off the screen."""
    try:
        opening.open_upload(upload_id, visitor_of(request))
    except CLOSED as error:
        return closed(request, upload_id, error)
    return qr_code(request, "share", upload_id)


@never_stored
@require_safe
def preview(request: HttpRequest, upload_id: str) -> HttpResponse:
    """Redirect to the preview for as long as the upload is live; 404 while there is none. A HEAD is answered here."""
    try:
        if request.method == "HEAD":
            described = opening.describe_preview(upload_id, _onlooker(request), storage=uploads_storage)
            response = download.described(described) if described else None
        else:
            url = opening.preview_url(upload_id, _onlooker(request), storage=uploads_storage)
            response = HttpResponseRedirect(url) if url else None
    except CLOSED as error:
        return closed(request, upload_id, error)
    if response is None:
        raise Http404
    return response


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, upload_id: str) -> HttpResponse:
    """The owner removes one upload. A stranger's id and an unknown one get the same 404. A GET leads to its page."""
    if request.method != "POST":
        return redirect("share", upload_id)
    try:
        upload = _own(request, upload_id)
    except Gone:
        return receipt(request, upload_id)
    name = upload.name
    if lifecycle.remove(upload, storage=uploads_storage):
        left = Upload.objects.removing().filter(pk=upload.pk).count()
        if not left:
            messages.success(request, _("%s deleted.") % name)
        say_what_is_left(request, left)
    return see_list(PAGES[Kind(upload.kind)], request.POST.get("list", ""))


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.CHANGES, "POST")
def keep(request: HttpRequest, upload_id: str) -> HttpResponse:
    """The owner keeps one upload longer. It leads back to where its form was, the list or the page of the upload."""
    if request.method != "POST":
        return redirect("share", upload_id)
    try:
        upload = _own(request, upload_id)
    except Gone:
        return receipt(request, upload_id)
    lifecycle.keep(upload)
    if "list" in request.POST:
        return see_list(PAGES[Kind(upload.kind)], request.POST["list"])
    return see("share", upload_id)


def _onlooker(request: HttpRequest) -> Visitor:
    """The visitor, or the operator, whose admin shows the pictures of all uploads."""
    return Operator() if request.user.has_perm("uploads.view_upload") else visitor_of(request)


def _own(request: HttpRequest, upload_id: str) -> Upload:
    """The visitor's own upload, if it is live.

    Raises:
        Http404: it is a stranger's, or there never was one.
        Gone: it has expired or was deleted.
    """
    box = boxes.from_cookie(request)
    if not box or not Upload.objects.of(box).filter(pk=upload_id).exists():
        raise Http404
    return opening.open_upload(upload_id, Visitor(box))
