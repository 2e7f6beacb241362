"""Report an upload to the operator. Everyone with its link may, and learns nothing about it by that."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ..abuse import reports
from ..abuse.models import WORDS_LENGTH, Reason
from ..uploads.errors import NotAllowed
from ..uploads.ids import ID_LENGTH
from ..uploads.models import Upload
from ..visitors.addresses import address_of
from ..visitors.rates import Rate
from .caching import never_stored
from .limited import limited


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.REPORTS, "POST")
def report(request: HttpRequest, upload_id: str) -> HttpResponse:
    """A form for a reason and words. A second report by the same person gets the same thanks, and is not kept."""
    # Not by the gate, because a link may be reported that opens only with a password. The answer shows nothing of it.
    upload = Upload.objects.live().filter(pk=upload_id).first()
    if upload is None:
        return redirect("share", upload_id)  # which has the receipt, or finds nothing
    if request.method != "POST":
        return _form(request, upload_id)
    reason, words = request.POST.get("reason", ""), request.POST.get("words", "")
    reporter = salted_hmac("mayfly.reporter", f"{upload_id} {address_of(request)}").hexdigest()[:ID_LENGTH]
    try:
        reports.report(upload, reason=reason, words=words, reporter=reporter)
    except NotAllowed as fault:
        return _form(request, upload_id, reason=reason, words=words, fault=fault)
    messages.success(request, _("Thank you. The operator of this site has your report."))
    response = redirect("share", upload_id)
    response.status_code = 303
    return response


def _form(
    request: HttpRequest, upload_id: str, *, reason: str = "", words: str = "", fault: NotAllowed | None = None
) -> HttpResponse:
    context = {
        "upload_id": upload_id,
        "reasons": Reason.choices,
        "reason": reason,
        "words": words[:WORDS_LENGTH],
        "longest": WORDS_LENGTH,
        "fault": fault,
    }
    return render(request, "pages/report.html", context, status=400 if fault else 200)
