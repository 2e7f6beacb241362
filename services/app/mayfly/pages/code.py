"""Type a code: the way to an upload for a device that has no link, but a person who was told four words."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ..uploads import opening
from ..uploads.codes import TYPED_LENGTH
from ..uploads.errors import NotAllowed, Unknown
from ..visitors.rates import Rate
from .caching import never_stored
from .limited import limited
from .redirects import see


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
@limited(Rate.CODES, "POST")
def code(request: HttpRequest) -> HttpResponse:
    """A form for four words, which lead to the page of their upload. Every attempt counts, so that no one can guess."""
    if request.method != "POST":
        return _form(request)
    typed = request.POST.get("code", "")
    try:
        upload = opening.find_by_code(typed)
    except NotAllowed as error:
        return _form(request, typed=typed, fault=str(error), status=400)
    except Unknown:
        fault = _("No upload has this code now. A code ends with its upload. Check the words, or ask for a new one.")
        return _form(request, typed=typed, fault=fault, status=404)
    return see("share", upload.pk)


def _form(request: HttpRequest, *, typed: str = "", fault: str = "", status: int = 200) -> HttpResponse:
    context = {"typed": typed[:TYPED_LENGTH], "fault": fault, "longest": TYPED_LENGTH}
    return render(request, "pages/code.html", context, status=status)
