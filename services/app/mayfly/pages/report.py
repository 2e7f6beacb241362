"""Report an upload to the operator. Everyone with its link may, and learns nothing about it by that."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ..abuse import reports
from ..abuse.models import WORDS_LENGTH, Reason
from ..uploads.errors import NotAllowed
from ..uploads.ids import ID_LENGTH
from ..uploads.models import Upload
from ..uploads.queries import UploadQuerySet
from ..visitors.addresses import address_of
from ..visitors.rates import Rate
from .caching import never_stored
from .limited import limited
from .redirects import see


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.REPORTS, "POST")
def report(request: HttpRequest, upload_id: str) -> HttpResponse:
    """A form for a reason and words. A second report by the same person gets the same thanks, and is not kept."""
    return _answer(request, Upload.objects.filter(pk=upload_id), page=reverse("share", args=[upload_id]))


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.REPORTS, "POST")
def report_bundle(request: HttpRequest, bundle_id: str) -> HttpResponse:
    """The same for a bundle: the first of its uploads stands for it, and leads the operator to the others."""
    return _answer(request, Upload.objects.filter(bundle=bundle_id), page=reverse("bundle", args=[bundle_id]))


def _answer(request: HttpRequest, reported: UploadQuerySet, *, page: str) -> HttpResponse:
    # Not by the gate, because a link may be reported that opens only with a password. The answer shows nothing of it.
    upload = reported.live().order_by("completed_at", "pk").first()
    if upload is None:
        return redirect(page)  # which has the receipt, or finds nothing
    if request.method != "POST":
        return _form(request)
    reason, words = request.POST.get("reason", ""), request.POST.get("words", "")
    reporter = salted_hmac("mayfly.reporter", f"{upload.pk} {address_of(request)}").hexdigest()[:ID_LENGTH]
    try:
        reports.report(upload, reason=reason, words=words, reporter=reporter)
    except NotAllowed as fault:
        return _form(request, reason=reason, words=words, fault=fault)
    messages.success(request, _("Thank you. The operator of this site has your report."))
    return see(page)


def _form(request: HttpRequest, *, reason: str = "", words: str = "", fault: NotAllowed | None = None) -> HttpResponse:
    context = {
        "reasons": Reason.choices,
        "reason": reason,
        "words": words[:WORDS_LENGTH],
        "longest": WORDS_LENGTH,
        "fault": fault,
    }
    return render(request, "pages/report.html", context, status=400 if fault else 200)
