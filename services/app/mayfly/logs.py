"""The lines of the log, without secrets: links, tokens and signed URLs open uploads, and a name describes one.

The formatter below writes every line of web and the worker, gunicorn's included. A path appears as our URLs have it,
with the first eight characters of an upload's id: enough to find its lines, too few to open it.
"""

import logging
import re
from urllib.parse import unquote

from django.http import HttpRequest
from django.urls import resolve

from .uploads.ids import ID_LENGTH

ACCESS_LOG = "gunicorn.access"

_ID = re.compile(rf"(?<![A-Za-z0-9])([A-Za-z0-9]{{8}})[A-Za-z0-9]{{{ID_LENGTH - 8}}}(?![A-Za-z0-9])")
# Names of classes may have as many letters as an id, but humps of two letters or more, and no digit.
_CLASS = re.compile(r"[A-Z]?[a-z]+([A-Z][a-z]+){0,4}")
# Django's signer ends a token with 43 characters of base64, after a colon.
_MAYBE_TOKEN = re.compile(r"[\w=.:-]{44,}")
_SIGNATURE = re.compile(r":[\w-]{43}(?![\w-])")
_QUERY = re.compile(r"\?[\w.%-]+=[^\s'\"<>]*")
_PARAMETER = re.compile(r"\b(X-Amz-[\w-]{1,30}|uploadId|Signature)=[^\s&'\"<>]+")
_PASSWORD = re.compile(r"(?<=://)[^\s/@]*@")
# Postgres quotes the row there.
_DETAIL = re.compile(r"(?m)\b(DETAIL|CONTEXT|STATEMENT):.*")
# gunicorn quotes a line of the request, or names its method and path.
_INVALID_REQUEST = re.compile(r"(Invalid request from ip=\S* [\w ]*).*")
_REQUEST = re.compile(r"\b(DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT) (?:https?://[^\s/]*)?(/[^\s\"'?]*)(?:\?[^\s\"']*)?")
# The escapes of letters, digits and of "-./:_": routes take an escape for the character.
_ESCAPE = re.compile(r"%(2[d-fD-F]|3[0-9aA]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])")
# A value in a route, <converter:name>; or in the admin's last route, a regular expression that takes any path.
_VALUE = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P.*")


class Line(logging.Formatter):
    """A formatter whose lines hold no whole id, no token, no signed query, no name of a file and no control character.

    A record has one line. A traceback follows in lines of its own, each with two spaces in front, so that no text from
    outside looks like a record.
    """

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler's form of the traceback
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            # Django puts the path into its messages as Python would write it.
            written = request.path.encode("unicode_escape").decode()
            record.message = record.message.replace(written, shown(request.path_info))
        if record.name != ACCESS_LOG:  # whose lines have the path as it may be shown
            record.message = _REQUEST.sub(lambda found: f"{found[1]} {shown(unquote(found[2]))}", record.message)
        return printable(without_secrets(super().formatMessage(record)))

    def formatException(self, ei: "logging._SysExcInfoType") -> str:
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        return _indented(super().formatStack(stack_info))


def shown(path: str) -> str:
    """This decoded path as a log may show it.

    It is written by our own routes, and so in one form, however it was encoded. A path of no route is `/*`.
    """
    if path.startswith("/static/"):
        return "/static/*"
    try:
        match = resolve(path)
    except Exception:  # no route; or the routes do not load, and then this line reports that
        return "/*"
    return "/" + _VALUE.sub(lambda found: _beginning(match.kwargs.get(found[1] or "")), match.route)


def without_secrets(text: str) -> str:
    """The text without whole ids, tokens, queries and passwords, in whatever encoding our routes take them."""
    text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    text = _QUERY.sub("?*", text)
    text = _PARAMETER.sub(r"\1=*", text)
    text = _PASSWORD.sub("*@", text)
    text = _MAYBE_TOKEN.sub(lambda found: "*" if _SIGNATURE.search(found[0]) else found[0], text)
    text = _DETAIL.sub(r"\1: *", text)
    text = _INVALID_REQUEST.sub(r"\1", text)
    return _ID.sub(lambda found: found[0] if _CLASS.fullmatch(found[0]) else f"{found[1]}*", text)


def printable(text: str) -> str:
    """The text in one line, with an escape for each character that a terminal would obey or not show."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def _indented(text: str) -> str:
    return "\n".join(f"  {printable(line)}" for line in without_secrets(text).split("\n"))


def _beginning(value: object) -> str:
    text = str(value)
    return f"{text[:8]}*" if _ID.fullmatch(text) else "*"
