"""Content-Security-Policy: the settings' own, and beside it the origin to which storage sends browsers."""

from csp.middleware import CSPMiddleware, PolicyParts
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponseBase

# Parts are sent there by script; a preview is an image from there.
DIRECTIVES = ("connect-src", "img-src")


class StorageMiddleware(CSPMiddleware):
    """Adds the storage's origin, which depends on bucket and region, to every policy that is sent."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if origin := default_storage.origin:
            update = parts.update or {}
            parts.update = update | {name: [*update.get(name, ()), origin] for name in DIRECTIVES}
        return parts
