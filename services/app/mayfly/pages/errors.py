"""Errors as pages, or as JSON under /api/; both by the one table of problems."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ..problems import Problem, problem


def answer(request: HttpRequest, error: Problem) -> HttpResponse:
    """The error as the client expects it: JSON from the API's addresses, a page from all others."""
    if request.path.startswith("/api/"):
        return error.as_json()
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
