"""Errors as pages, as JSON, or as a line for `curl -T`; all by the one table of problems."""

from collections.abc import Callable

from django.core.exceptions import TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from .. import links
from ..problems import Problem, problem, problem_of
from ..uploads.limits import FORM_FILES


def answer(request: HttpRequest, error: Problem) -> HttpResponse:
    """The error as the client expects it: JSON from the addresses of programs, a line after a PUT, else a page."""
    if request.path.startswith(("/api/", "/storage/")):
        return error.as_json()
    if _sent_by_command_line(request):
        return error.as_line()
    headers = error.headers or {}
    loads_again = error.status == 503 and request.method in ("GET", "HEAD")  # a form would have to be sent again
    context = {"problem": error, "again": headers.get("Retry-After") if loads_again else None}
    response = render(request, "pages/error.html", context, status=error.status)
    for name, value in headers.items():
        response[name] = value
    return response


def _sent_by_command_line(request: HttpRequest) -> bool:
    """Whether no page of ours sends such a request: `curl -T`, `curl -F` to the bare address, `curl -X DELETE`."""
    return request.method in ("PUT", "DELETE") or (request.method == "POST" and request.path == "/")


class DatabaseAway:
    """Middleware that answers 503 in place of a view that the database has failed, so that clients come again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django calls it with what a view raises, and raises it on if the answer is None."""
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        response = answer(request, problem_of(exception))
        response.headers["Cache-Control"] = "no-store, private"
        return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, TooManyFilesSent):
        return answer(request, problem("too_many_files", limit=FORM_FILES))
    return answer(request, problem("unreadable"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if links.comes_from_elsewhere(request):
        return answer(request, problem("wrong_origin", expected=links.site(request)))
    return answer(request, problem("form_expired"))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, problem("nothing_here"))


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(request, problem("broken"))
