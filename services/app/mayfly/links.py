"""The site's address as people see it: in links, and as the origin of its pages."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> str:
    """The site's address without a slash at its end: SITE_URL, or where this request went.

    Raises DisallowedHost if there is no SITE_URL and the request names another site.
    """
    return settings.SITE_URL or f"{request.scheme}://{request.get_host()}"


def absolute(request: HttpRequest, address: str) -> str:
    """A path of ours with the site's address; a URL as it is, because storage's signature includes its host."""
    return site(request) + address if address.startswith("/") else address


def comes_from_api_client(request: HttpRequest) -> bool:
    """Whether a page of another site sent this that may use the API, with a token only."""
    return request.headers.get("Origin") in settings.API_ORIGINS and comes_from_elsewhere(request)


def comes_from_elsewhere(request: HttpRequest) -> bool:
    """Whether the browser says that a page of another origin sent this request. Without the header, it says nothing."""
    origin = request.headers.get("Origin")
    here = f"{request.scheme}://{request.get_host()}"
    return origin is not None and origin not in (here, *settings.CSRF_TRUSTED_ORIGINS)
