"""The answer to a request whose body came too slowly, or found no room."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from .. import bodies
from ..problems import SOON, problem
from ..visitors.addresses import address_of
from .errors import answer

View = Callable[[HttpRequest], HttpResponseBase]


def in_time(get_response: View) -> View:
    """Middleware that answers for a body that was not read to its end, whatever a view has made of that.

    Views and libraries take such a body for an empty or a broken one: the CSRF check, for example, for an expired form.
    It comes after the choice of the language, and before all that reads a body.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        line = bodies.current()
        if line is None:
            return get_response(request)
        line.address = address_of(request)
        line.streamed = request.method == "PUT" or request.content_type == "multipart/form-data"
        response = get_response(request)
        line.end(request.META["wsgi.input"])
        if line.failure is bodies.TooSlow:
            response.close()
            response = answer(request, problem("body_too_slow"))
        elif line.failure is bodies.NoRoom:
            response.close()
            response = answer(request, problem("bodies_full", headers=SOON))
        return response

    return middleware
