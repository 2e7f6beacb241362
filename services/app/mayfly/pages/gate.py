"""The answers of the gate to a visitor who does not get an upload: it is over, locked, or has to be confirmed."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from .. import links
from ..problems import Problem, problem, problem_of
from ..storage.protocol import StorageError
from ..uploads import opening
from ..uploads.errors import Gone, Hashing, Locked, Preparing, Unconfirmed, Unknown, WrongPassword
from ..uploads.guarded import Guarded
from ..uploads.opening import Visitor
from ..visitors.addresses import address_of
from ..visitors.guesses import TooManyGuesses
from ..visitors.passes import visitor_of
from ..visitors.unlocking import unlocks
from .errors import answer
from .redirects import see

# Whatever keeps a visitor from an upload.
CLOSED = (Gone, Locked, Unconfirmed, StorageError, TooManyGuesses, Hashing, Preparing)


def unlocked(
    request: HttpRequest, pk: str, *, opened: Callable[[str, Visitor], object] = opening.open_upload
) -> tuple[Visitor, Guarded | None]:
    """The visitor, with a pass if the form has the password that was missing, and the row that it is for.

    Raises what `opened` raises, WrongPassword, TooManyGuesses and Hashing.
    """
    visitor = visitor_of(request)
    try:
        opened(pk, visitor)
    except Locked as locked:
        typed = request.POST.get("password", "")
        if not typed:
            raise
        if not unlocks(locked.guard, typed, address=address_of(request)):
            raise WrongPassword(locked.guard, locked.expires_at, locked.time_left) from None
        return visitor.with_pass(locked.guard), locked.guard
    return visitor, None


def closed(request: HttpRequest, upload_id: str, error: Exception) -> HttpResponse:
    """The answer to a visitor whom one of CLOSED keeps from an upload: a page, or an error for a program."""
    match error:
        case Gone():
            return receipt(request, upload_id)
        case Unconfirmed():
            address = links.absolute(request, reverse("download", args=[upload_id]))
            return _elsewhere(request, upload_id, problem("unconfirmed", address=address, headers={"Allow": "POST"}))
        case Locked() if request.method == "POST" and wants_page(request):
            return locked(request, error, action=reverse("open", args=[upload_id]), status=403)
        case Locked():
            return _elsewhere(request, upload_id, problem_of(error))
    return told(request, problem_of(error))


def locked(request: HttpRequest, error: Locked, *, action: str, status: int = 200) -> HttpResponse:
    """The page that asks for the password at the address `action`, or 403 for a program. It says nothing else."""
    if not wants_page(request):
        return told(request, problem_of(error))
    fault = problem_of(error).message if isinstance(error, WrongPassword) else ""
    context = {"until": error.expires_at, "action": action, "fault": fault}
    return render(request, "pages/locked.html", context, status=status)


def receipt(request: HttpRequest, upload_id: str) -> HttpResponse:
    """410 and the receipt of an upload that was ready once, or the error for a program; 404 for every other id."""
    try:
        upload = opening.receipt(upload_id)
    except Unknown:
        raise Http404 from None
    if wants_json(request):
        return problem_of(Gone()).as_json()
    context = {"upload": upload, "gone": opening.is_removed(upload), "is_early": opening.is_early(upload)}
    return render(request, "pages/gone.html", context, status=410)


def told(request: HttpRequest, error: Problem) -> HttpResponse:
    """The error as a page, or as JSON or a line for a program that asks for no page."""
    if wants_page(request):
        return answer(request, error)
    return error.as_json() if wants_json(request) else error.as_line()


def wants_page(request: HttpRequest) -> bool:
    """Whether the client is a browser, or names no form of answer that it prefers to a page."""
    accepted = request.headers.get("Accept", "text/html")
    return "text/html" in accepted


def wants_json(request: HttpRequest) -> bool:
    """Whether the client is a program that reads JSON."""
    return "json" in request.headers.get("Accept", "") and not wants_page(request)


def _elsewhere(request: HttpRequest, upload_id: str, error: Problem) -> HttpResponse:
    """Lead a person to the page on which they confirm or type a password, and tell a program what is missing."""
    if not wants_page(request):
        return told(request, error)
    return see("share", upload_id)
