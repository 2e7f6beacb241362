"""The way from the page of a bundle to all its bytes: the password, the confirmation, and the ZIP."""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from ..answers import PATIENCE, RATE, Paced
from ..bodies import Room
from ..bundles import opening
from ..bundles.archive import Archive
from ..bundles.reading import Content
from ..problems import SOON, problem
from ..storage.default import uploads_storage
from ..storage.headers import attachment
from ..uploads.formats import format_size
from ..uploads.limits import DOWNLOAD_URL_LIFETIME, limits
from ..visitors.addresses import address_of
from ..visitors.passes import remember_pass, remember_taken, visitor_of
from ..visitors.rates import Rate
from . import fetches
from .bundle import closed, name_of
from .caching import never_stored
from .errors import answer
from .gate import CLOSED, unlocked
from .limited import limited
from .redirects import see

# Each process has its own, because the processes are copies of the one that reads this file. A ZIP holds its thread for
# minutes, so pages need others.
_room = Room(threads=settings.WEB_THREADS)


@never_stored
@csrf_exempt  # a download changes nothing that is the visitor's
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.DOWNLOADS, "GET", "HEAD", "POST")
def bundle_zip(request: HttpRequest, bundle_id: str) -> HttpResponseBase:
    """All uploads of the bundle as one file. It has no ranges: a download that breaks off begins anew.

    If the bundle has a password or a limit, a GET leads to its page. The form there sends a POST, which may have the
    field `password`, takes one of the downloads, and leads to the ZIP by an address that works for a minute.
    """
    try:
        if request.method == "POST":
            return _taken(request, bundle_id)
        content = _content(request, bundle_id)
    except CLOSED as error:
        return closed(request, bundle_id, error)
    return _without_zip(request, content) or _sent(request, content)


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.DOWNLOADS, "POST")
def unlock(request: HttpRequest, bundle_id: str) -> HttpResponse:
    """Take the password of a bundle, and lead back to its page with a cookie that opens all its uploads."""
    try:
        guard = None
        if request.method == "POST":
            guard = unlocked(request, bundle_id, opened=opening.open_bundle)[1]
    except CLOSED as error:
        return closed(request, bundle_id, error)
    response = see("bundle", bundle_id)
    return remember_pass(request, response, guard) if guard else response


def _taken(request: HttpRequest, bundle_id: str) -> HttpResponse:
    visitor, guard = unlocked(request, bundle_id, opened=opening.open_bundle)
    content = opening.open_bundle(bundle_id, visitor)
    refused = _without_zip(request, content)
    if refused:
        return refused
    # As long as the slowest client that is borne may take for it.
    leaving = DOWNLOAD_URL_LIFETIME + timedelta(seconds=PATIENCE + content.size / RATE)
    taken = opening.take_zip(bundle_id, visitor, leaving=leaving)
    address = reverse("bundle-zip", args=[bundle_id])
    response = see(f"{address}?taken={_signer().sign(bundle_id)}")
    if guard:
        remember_pass(request, response, guard)
    if taken.counted:
        remember_taken(request, response, taken.counted)
    return response


def _content(request: HttpRequest, bundle_id: str) -> Content:
    """The bundle for a visitor who may have it now, or took a download of it a minute ago at most."""
    try:
        signed = _signer().unsign(request.GET.get("taken", ""), max_age=DOWNLOAD_URL_LIFETIME)
    except signing.BadSignature:
        signed = ""
    if signed == bundle_id:
        return opening.open_taken(bundle_id)
    if request.method == "HEAD":  # it takes no download
        return opening.look_at_zip(bundle_id, visitor_of(request))
    return opening.open_zip(bundle_id, visitor_of(request))


def _without_zip(request: HttpRequest, content: Content) -> HttpResponse | None:
    """The answer for a bundle that has no ZIP; None if it has one."""
    if not content.ready:
        return answer(request, problem("zip_empty"))
    if not content.has_zip:
        size, most = format_size(content.size), format_size(limits.zip_size)
        return answer(request, problem("zip_too_large", size=size, most=most))
    return None


def _sent(request: HttpRequest, content: Content) -> HttpResponseBase:
    archive = Archive(content.ready, seconds=content.time_left.total_seconds(), storage=uploads_storage)
    headers = {
        "Accept-Ranges": "none",
        "Content-Disposition": attachment(f"{name_of(content)}.zip"),
        "Content-Length": str(archive.length),
        "Content-Security-Policy": "sandbox",
        "Content-Type": "application/zip",
        "X-Content-Type-Options": "nosniff",
    }
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    address = address_of(request)
    if not _room.enter(address):
        return answer(request, problem("zips_full", headers=SOON))
    paced = Paced(archive.pieces(), sock=request.META.get("gunicorn.socket"), done=lambda: _room.leave(address))
    for upload in content.ready:
        fetches.record(request, upload.pk)
    return StreamingHttpResponse(paced, headers=headers)


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="mayfly.zip")
