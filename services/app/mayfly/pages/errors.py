"""Errors as pages, as JSON, or as a line for `curl -T`; all by the one table of problems."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..problems import Problem, problem


def answer(request: HttpRequest, error: Problem) -> HttpResponse:
    """The error as the client expects it: JSON from the addresses of programs, a line after a PUT, else a page."""
    if request.path.startswith(("/api/", "/storage/")):
        return error.as_json()
    if request.method == "PUT":
        return error.as_line()
    response = render(request, "pages/error.html", {"problem": error}, status=error.status)
    for name, value in (error.headers or {}).items():
        response[name] = value
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, problem("unreadable"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(request, problem("form_expired"))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, problem("nothing_here"))


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(request, problem("broken"))
