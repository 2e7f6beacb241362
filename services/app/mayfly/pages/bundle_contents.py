"""The contents of a bundle as JSON, for programs that have its link and not its owner's box."""

from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from ..bundles.reading import Content
from ..links import absolute


def wants_contents(request: HttpRequest) -> bool:
    """Whether this program asks for JSON, as no browser does."""
    accepted = request.headers.get("Accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def contents(request: HttpRequest, content: Content) -> JsonResponse:
    """The uploads of a bundle, as its page shows them to any visitor."""
    bundle = content.bundle
    most = bundle.downloads_most
    return JsonResponse(
        {
            "id": bundle.pk,
            "title": bundle.title,
            "expires_at": content.expires_at,
            "size": content.size,
            "zip": absolute(request, reverse("bundle-zip", args=[bundle.pk])) if content.has_zip else None,
            "password": bool(bundle.password),
            "downloads": None if most is None else {"most": most, "taken": bundle.downloads_taken},
            "uploads": [
                {
                    "id": upload.pk,
                    "name": upload.name,
                    "size": upload.size,
                    "type": upload.content_type,
                    "download": absolute(request, reverse("download", args=[upload.pk])),
                }
                for upload in content.ready
            ],
        }
    )
