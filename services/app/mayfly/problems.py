"""The one table from an error to its HTTP status, its code for programs and its words for people.

The API, the pages, `curl -T` and the byte routes all answer from it, each in its own form.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from .storage.folder.tokens import TokenExpired, TokenRefused
from .storage.protocol import StillAtWork, StorageError, TransferNotFound
from .uploads.errors import (
    Busy,
    Crowded,
    Gone,
    Hashing,
    KeyReused,
    Locked,
    NotAllowed,
    PartsMissing,
    Preparing,
    Refused,
    Underway,
    Unknown,
    Unscanned,
    WrongPassword,
)
from .visitors.guesses import TooManyGuesses
from .visitors.rates import TooMany

logger = logging.getLogger(__name__)

# The most missing numbers that an answer names: one page of S3's own listing.
MOST_NUMBERS = 1000


class Entry(NamedTuple):
    """A row of the table. `title` is for pages, which show it as their headline; `text` may have placeholders."""

    status: int
    code: str
    text: str
    title: str = ""


# Requests that an edge answers by itself.
TABLE = {
    "bad_token": Entry(
        401,
        "bad_token",
        _("This token is not ours, was replaced, or was not used for 30 days. An upload without one gets a new box."),
    ),
    "body_too_large": Entry(413, "too_large", _("At most %(limit)s can be sent this way.")),
    "box_needed": Entry(401, "no_box", _("Send the token of your box: Authorization: Bearer TOKEN.")),
    "bodies_full": Entry(
        503,
        "busy",
        _("Too many uploads are arriving at this moment. Send it again in a few seconds."),
        _("Please wait a moment"),
    ),
    "body_too_slow": Entry(
        408,
        "too_slow",
        _("Its bytes arrived too slowly. Send it again, over a faster connection if you can."),
        _("This upload took too long"),
    ),
    "broken": Entry(500, "broken", _("Try again in a minute."), _("Something broke on our side")),
    "csrf": Entry(403, "csrf", _("The CSRF header is missing or wrong: X-CSRFToken.")),
    "cut_off": Entry(400, "cut_off", _("The connection broke before all bytes had arrived. Send it again.")),
    "form_expired": Entry(
        403,
        "csrf",
        _("Nothing was changed. Load the page again, with cookies allowed, and send the form once more."),
        _("This form has expired"),
    ),
    "form_too_large": Entry(
        413, "too_large", _("At most %(limit)s can be sent this way."), _("This is too large for the form")
    ),
    "form_unreadable": Entry(
        400, "invalid", _("Your browser did not send the size of this form."), _("This form cannot be read")
    ),
    "length_differs": Entry(403, "length_differs", _("This part has %(size)d bytes, not %(declared)d.")),
    "length_malformed": Entry(400, "length_malformed", _("Content-Length is not a number.")),
    "length_missing": Entry(411, "length_required", _("Send the size of the body: Content-Length is missing.")),
    "link_expired": Entry(403, "link_refused", _("This link has expired. Ask for a new one.")),
    "link_refused": Entry(403, "link_refused", _("This link is not one that we made. Ask for a new one.")),
    "method": Entry(405, "method_not_allowed", _("This address accepts %(allowed)s.")),
    "no_file": Entry(400, "no_file", _("There is no file in it. Send one: curl -F file=@name %(site)s")),
    "no_such_range": Entry(416, "no_such_range", _("This has %(size)d bytes.")),
    "not_json": Entry(415, "not_json", _("Send JSON, with Content-Type: application/json.")),
    "not_opened": Entry(
        409,
        "not_opened",
        _("Nothing was sent. Open My Images or My Files in this browser once, then share again."),
        _("Open Mayfly first"),
    ),
    "nothing_here": Entry(
        404, "not_found", _("Check the link: part of it may be missing."), _("There is nothing here")
    ),
    "object_gone": Entry(404, "gone", _("This upload has expired or was deleted.")),
    "proxy_unknown": Entry(
        403,
        "proxy_unknown",
        _("It is at %(address)s. The operator of this site has to name that address in TRUSTED_PROXIES."),
        _("Mayfly does not know the proxy in front of it"),
    ),
    "shared_box": Entry(403, "shared_box", _("All visitors share one box here, so it has no tokens of its own.")),
    "too_many_files": Entry(
        413,
        "too_many_files",
        _("One form can send %(limit)d files. Send fewer at a time."),
        _("These are too many files"),
    ),
    "too_many_guesses": Entry(
        429, "too_many", _("Wait %(minutes)d minutes, then try again."), _("Too many wrong passwords")
    ),
    "unconfirmed": Entry(
        405,
        "unconfirmed",
        _("Its downloads are counted or need a password. Ask by POST: curl -L -d '' %(address)s"),
        _("This download begins with a POST"),
    ),
    "unreadable": Entry(400, "invalid", _("Go back and try again."), _("This request cannot be read")),
    "webhooks_off": Entry(403, "webhooks_off", _("This site sends no webhooks.")),
    "wrong_origin": Entry(
        403,
        "wrong_origin",
        _(
            "Nothing was changed. Mayfly accepts this from pages of %(expected)s only. If the address in your browser"
            " is another one, open %(expected)s. If that is where you are, the operator has to set SITE_URL."
        ),
        _("This page has another address"),
    ),
    "zip_empty": Entry(404, "not_found", _("Come back once it is complete."), _("Nothing has arrived yet")),
    "zip_too_large": Entry(
        413,
        "too_large",
        _("Together they have %(size)s, and a ZIP is made of up to %(most)s. Download them one by one."),
        _("This is too much for a ZIP"),
    ),
    "zips_full": Entry(
        503,
        "busy",
        _("Too many ZIPs are being made at this moment. Download the files one by one, or try again in a few seconds."),
        _("Please wait a moment"),
    ),
    # Errors of the domain and of storage.
    "completing": Entry(503, "busy", _("This upload is just being completed. Ask again in a few seconds.")),
    "completes_full": Entry(
        503,
        "busy",
        _("Too many uploads are being completed at this moment. Try again in a few seconds."),
        _("Please wait a moment"),
    ),
    "database": Entry(503, "database", _("Try again in a few seconds."), _("The database does not answer")),
    "gone": Entry(410, "gone", _("This upload has expired or was deleted.")),
    "hashing": Entry(
        503,
        "busy",
        _("Too many passwords are being checked at this moment. Try again in a few seconds."),
        _("Please wait a moment"),
    ),
    "locked": Entry(
        403,
        "locked",
        _("Open its link and type the password. A program sends it as the field “password” of a POST."),
        _("This upload has a password"),
    ),
    "key_reused": Entry(
        422,
        "key_reused",
        _("This Idempotency-Key came with another body before. Send a new key with a new upload."),
    ),
    "only_sends": Entry(403, "only_sends", _("This token may only send uploads. Use the token of the box itself.")),
    "parts_missing": Entry(409, "parts_missing", _("%(count)d parts have not arrived yet.")),
    "preparing": Entry(
        503,
        "preparing",
        _("Camera data and location are being removed from this image. Its download is here in a few seconds."),
        _("Almost ready"),
    ),
    "unscanned": Entry(
        503,
        "preparing",
        _("Its download is here as soon as the check has found nothing in it."),
        _("Waits for the virus check"),
    ),
    "storage": Entry(503, "storage", _("Try again in a minute."), _("Storage does not answer")),
    "too_many": Entry(
        429,
        "too_many",
        _("Many of them came from you or your network address in a short time. Wait %(seconds)d s, then try again."),
        _("Too many requests"),
    ),
    "too_many_passwords": Entry(
        429,
        "too_many",
        _("Wait %(seconds)d s, then type the password once more."),
        _("Too many wrong passwords"),
    ),
    "transfer_ended": Entry(404, "transfer_ended", _("This transfer has ended. Begin again.")),
    "underway": Entry(
        409, "underway", _("The first call with this Idempotency-Key is still at work. Ask again in a few seconds.")
    ),
    "unknown": Entry(404, "not_found", _("There is no such upload in your box.")),
    "wrong_password": Entry(403, "wrong_password", _("Capitals and spaces matter."), _("This is not the password")),
}
# The statuses of NotAllowed by its code; every other code is a 400.
NOT_ALLOWED = {
    "too_large": 413,
    "box_full": 413,
    "box_count": 413,
    "address_full": 429,
    "address_count": 429,
    "site_full": 503,
    "webhook_count": 409,
    "address_blocked": 403,
    "bundle_closed": 409,
    "bundle_count": 413,
    "bundle_empty": 409,
    "bundle_full": 413,
}
# The headers of an answer to a request that another one stands in the way of, or that met a database in its restart.
SOON = {"Retry-After": "5"}
# The same for a call that costs little to repeat, and whose caller has nothing else to wait for.
VERY_SOON = {"Retry-After": "2"}


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as an edge shows it. `field` names the input at fault; `missing` lists the numbers of parts."""

    status: int
    code: str
    text: str
    title: str = ""
    field: str | None = None
    missing: list[int] | None = None
    headers: Mapping[str, str] | None = None

    @property
    def message(self) -> str:
        """Title and text as sentences on one line."""
        return f"{self.title}. {self.text}" if self.title else self.text

    def as_json(self) -> JsonResponse:
        """The error as every JSON route gives it; a client that accepts JSON gets no other form."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.field:
            error["field"] = self.field
        if self.missing is not None:
            error["missing"] = self.missing
        return JsonResponse({"error": error}, status=self.status, headers=self.headers)

    def as_line(self) -> HttpResponse:
        """The error as a line of text, for `curl -T`."""
        return HttpResponse(
            f"{self.message}\n", status=self.status, headers=self.headers, content_type="text/plain; charset=utf-8"
        )


class Unanswerable(Exception):
    """An edge answers this request with an error of the table, before the domain hears of it.

    `name` is a key of TABLE, `values` fill its text, and the answer has these `headers`.
    """

    def __init__(self, name: str, *, headers: Mapping[str, str] | None = None, **values: object):
        super().__init__(name)
        self.problem = problem(name, headers=headers, **values)


def problem(name: str, *, headers: Mapping[str, str] | None = None, **values: object) -> Problem:
    """The table's entry of this name, in the active language."""
    entry = TABLE[name]
    text = gettext(entry.text)
    return Problem(
        status=entry.status,
        code=entry.code,
        text=text % values if values else text,
        title=gettext(entry.title) if entry.title else "",
        headers=headers,
    )


def problem_of(error: Exception) -> Problem:
    """The problem to answer this error with, in the active language. Raises the error again if the table lacks it."""
    match error:
        case Unanswerable():
            return error.problem
        case NotAllowed():
            return Problem(NOT_ALLOWED.get(error.code, 400), error.code, str(error), field=error.field)
        case Busy() | StillAtWork():
            return problem("completing", headers=VERY_SOON)
        case Underway():
            return problem("underway", headers=VERY_SOON)
        case KeyReused():
            return problem("key_reused")
        case Unscanned():
            return problem("unscanned", headers=SOON)
        case Preparing():
            return problem("preparing", headers=VERY_SOON)
        case Crowded():
            return problem("completes_full", headers=VERY_SOON)
        case Hashing():
            return problem("hashing", headers=VERY_SOON)
        case WrongPassword():
            return problem("wrong_password")
        case Locked():
            return problem("locked")
        case TooManyGuesses():
            seconds = max(ceil(error.left.total_seconds()), 1)
            return problem("too_many_passwords", headers={"Retry-After": str(seconds)}, seconds=seconds)
        case PartsMissing():
            entry = problem("parts_missing", count=len(error.numbers))
            return Problem(entry.status, entry.code, entry.text, missing=error.numbers[:MOST_NUMBERS])
        case Refused():
            return Problem(422, "refused", str(error))
        case Unknown() | Http404():
            return problem("unknown")
        case Gone():
            return problem("gone")
        case TooMany():
            return problem("too_many", headers={"Retry-After": str(error.seconds)}, seconds=error.seconds)
        case TransferNotFound():
            return problem("transfer_ended")
        case OperationalError() | InterfaceError():
            logger.error("the database does not answer: %s", error)
            return problem("database", headers=SOON)
        case StorageError() | OSError() if not isinstance(error, UnreadablePostError):
            logger.warning("storage does not answer: %s", error)
            return problem("storage", headers={"Retry-After": "60"})
        case TokenExpired():
            return problem("link_expired")
        case TokenRefused():
            return problem("link_refused")
        case UnreadablePostError():
            return problem("cut_off")
    raise error
