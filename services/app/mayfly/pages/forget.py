"""Forget this device: a visitor gives up their box, for example on a computer that others use too."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ..visitors import boxes
from .caching import never_stored
from .lists import see_other


@never_stored
@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: HttpRequest) -> HttpResponse:
    """Ask first; then remove the box's cookie, and what the upload script keeps. The uploads stay until their time."""
    if request.method != "POST":
        return render(request, "pages/forget.html")
    messages.success(request, _("This device is forgotten. Your uploads stay until they expire."))
    response = see_other("images")
    response["Clear-Site-Data"] = '"storage"'
    return boxes.forget(response)
