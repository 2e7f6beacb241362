"""A visitor gives up their box in this browser, or takes it from every other browser and program."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ..visitors import boxes, renewals
from .caching import never_stored
from .redirects import see


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: HttpRequest) -> HttpResponse:
    """Ask first; then remove the box's cookie, and what the upload script keeps. The uploads stay until their time."""
    if request.method != "POST":
        return render(request, "pages/forget.html", {"box": _own_box(request)})
    messages.success(request, _("This device is forgotten. Your uploads stay until they expire."))
    response = see("images")
    response["Clear-Site-Data"] = '"storage"'
    return boxes.forget(response)


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
def others(request: HttpRequest) -> HttpResponse:
    """Let no token of the box count any more, except a new one, which becomes this browser's cookie."""
    box = _own_box(request)
    if request.method != "POST" or box is None:
        return redirect("forget")
    messages.success(request, _("Only this browser opens your uploads now."))
    return boxes.give(request, see("images"), renewals.renew(box))


def _own_box(request: HttpRequest) -> str | None:
    """The visitor's box; None without one, or if all visitors share theirs."""
    return None if settings.SHARED_BOX else boxes.from_cookie(request)
