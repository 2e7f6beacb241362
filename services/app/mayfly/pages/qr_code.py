"""A link as a QR code, for a phone to read off the screen."""

from typing import IO, cast

import segno
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from .. import links


def qr_code(request: HttpRequest, route: str, pk: str) -> HttpResponse:
    """The picture that leads to this route of this id."""
    code = segno.make(links.absolute(request, reverse(route, args=[pk])), error="m", micro=False)
    response = HttpResponse(content_type="image/svg+xml")
    code.save(cast(IO[bytes], response), kind="svg", light="#fff", omitsize=True)
    return response
