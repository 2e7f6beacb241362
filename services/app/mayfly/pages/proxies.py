"""A TLS proxy in front of nginx that TRUSTED_PROXIES does not name."""

from collections.abc import Callable
from ipaddress import ip_address

from django.http import HttpRequest, HttpResponse

from ..problems import problem
from .errors import answer


class Unknown:
    """Middleware that says which proxy to name, where a redirect to HTTPS would lead back here for ever.

    nginx passes on the address of a client that claims to have received a request by HTTPS, if it does not trust that
    client. It removes such a header of anyone else's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        named = request.headers.get("X-Unknown-Proxy")
        if named and not request.is_secure() and not request.path.startswith("/health/"):
            try:
                return answer(request, problem("proxy_unknown", address=ip_address(named)))
            except ValueError:
                pass  # the header is not nginx's
        return self._get_response(request)
