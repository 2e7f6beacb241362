"""Mayfly as an app on a phone: what a system needs to install it."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .environment import static

# As in mayfly.css and in the theme colours of base.html. A manifest has one scheme only, the light one.
PAPER = "#fbf7ef"
FAVICON = "favicon.ico"
# Seconds for which a browser keeps the manifest, because it asks for it with every page.
MANIFEST_AGE = 3600


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """The manifest, in the visitor's language: https://www.w3.org/TR/appmanifest/."""
    response = JsonResponse(
        {
            "id": "/",
            "name": "Mayfly",
            "short_name": "Mayfly",
            "description": _("Share images and files for a short while. Then they are deleted."),
            "lang": get_language(),
            "start_url": reverse("images"),
            "scope": "/",
            "display": "standalone",
            "background_color": PAPER,
            "theme_color": PAPER,
            "icons": [
                _icon("icon-192.png", 192),
                _icon("icon-512.png", 512),
                _icon("icon-maskable-512.png", 512) | {"purpose": "maskable"},
            ],
            "share_target": {
                "action": reverse("shared"),
                "method": "POST",
                "enctype": "multipart/form-data",
                "params": {"files": [{"name": "file", "accept": ["*/*"]}]},
            },
            "shortcuts": [
                {"name": _("My Images"), "url": reverse("images")},
                {"name": _("My Files"), "url": reverse("files")},
                {"name": _("Type a code"), "url": reverse("code")},
            ],
        },
        headers={"Cache-Control": f"private, max-age={MANIFEST_AGE}"},
        content_type="application/manifest+json",
    )
    # The cookie of the language is part of it.
    patch_vary_headers(response, ["Accept-Language", "Cookie"])
    return response


def favicon(request: HttpRequest) -> HttpResponse:
    """The icon of pages that name none, as those of the admin and of the API's document."""
    return redirect(static("mayfly/icon-32.png"))


def _icon(name: str, size: int) -> dict[str, str]:
    return {"src": static(f"mayfly/{name}"), "sizes": f"{size}x{size}", "type": "image/png"}
