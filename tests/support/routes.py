"""Every route of the site, a secret upload, and the search for its secret in an answer."""

import re
from collections.abc import Iterator

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from mayfly.uploads.models import Upload

from .people import Person, body_of

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
READS = METHODS[:3]
SECRET = "classified"  # the name, the title and the bytes that others must not see


def routes(patterns=None, before: str = "/") -> Iterator[str]:
    """Every route of the site, with its variable parts in braces."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield plain(route)


def plain(route: str) -> str:
    """The route of a regular expression, as the admin has some."""
    return re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", route.replace("^", "")).replace("$", "").replace("\\Z", "")


def address(route: str, pk: str, **tokens: str) -> str:
    """The route with this upload's id wherever it takes one. Raises KeyError for an unknown variable part."""
    values = {"upload_id": pk, "object_id": pk, "id": pk, "name": "other.txt", "token": "none"}
    values |= {
        "webhook_id": pk,
        "bundle_id": pk,
        "app_label": "uploads",
        "content_type_id": "1",
        "url": "uploads/upload/",
    }
    return route.format(**values | tokens)


def routes_for(method: str) -> list[str]:
    """The routes to try with a method. Two methods are enough for the admin's many routes, which want a login first."""
    return [route for route in routes() if method in ("GET", "POST") or not route.startswith("/admin/")]


def secret(owner: Person, *, with_preview: bool = False, **more) -> dict:
    upload = owner.upload(SECRET.encode(), name=f"{SECRET}.txt", title=SECRET, **more)
    if with_preview:  # a careless route would sign a URL for the preview's key
        Upload.objects.filter(pk=upload["id"]).update(has_preview=True)
    return upload


def table() -> list[dict]:
    """All rows, without the count of fetches: everyone with a link is meant to change that."""
    rows = list(Upload.objects.order_by("pk").values())
    return [{name: row[name] for name in row.keys() - {"fetched_count", "fetched_at"}} for row in rows]


def ask(client: Client, method: str, path: str, **more):
    """Send a request with a valid body, so that no route refuses it only for its body."""
    if method in ("POST", "PUT", "PATCH", "DELETE"):
        body = '{"title": "changed"}' if method == "PATCH" else '{"numbers": [1]}'
        more = {"data": body, "content_type": "application/json"} | more
    return client.generic(method, path, **more)


def assert_nothing_of_it(response, what: str) -> None:
    assert response.status_code < 500, what
    assert SECRET.encode() not in body_of(response), what
    assert SECRET not in str(response.headers), what
    # A signed URL would reveal the bytes as well.
    assert not re.search("/storage/(objects|previews)/", response.get("Location", "")), what
    assert "X-Amz-Signature" not in response.get("Location", ""), what
