"""Values and errors that the examples of several operations share."""

from collections.abc import Mapping
from typing import Any

from .example import Example, entry, error

ID = "4kQabcdeFghiJklmNopQr1"
SITE = "http://localhost:8080"
BOX = "m1X7Zk0QpWc4rT9sLbHvYd:1vN8sK:f2c9…"

READY: dict[str, Any] = {
    "id": ID,
    "kind": "file",
    "name": "report.txt",
    "title": "For Ada",
    "size": 5,
    "type": "application/octet-stream",
    "state": "ready",
    "created_at": "2026-11-26T14:00:00Z",
    "expires_at": "2026-11-26T14:15:02Z",
    "link": f"{SITE}/u/{ID}/",
    "download": f"{SITE}/u/{ID}/download",
    "preview": None,
    "fetched": {"count": 0, "last_at": None},
    "password": False,
    "downloads": None,
    "metadata": None,
    "code": "acorn-violin-harp-lemon",
    "bundle": None,
}
GUARDED = READY | {"password": True, "downloads": {"most": 3, "taken": 0}}
SIGNED = {
    "number": 1,
    "size": 5,
    "url": f"http://localhost:4566/mayfly/uploads/{ID}?partNumber=1&uploadId=2~h7…&X-Amz-Signature=…",
    "headers": {},
}
TRANSFER = {"part_size": 8_388_608, "parts": 1, "first": [SIGNED]}
BEGUN = READY | {"state": "pending", "type": None, "transfer": TRANSFER, "box": BOX}


EVERY = (
    entry("bad_token", "the token is not one that this site made, was replaced, or is too old"),
    entry("database", "the database is away; `Retry-After` says when to ask again"),
)
ONLY_SENDS = entry("only_sends", "the token may only send uploads")
CHANGING = (
    entry("csrf", "the box comes by the cookie, and the CSRF header is missing"),
    entry("wrong_origin", "the box comes by the cookie, and a page of another site sent this", expected=SITE),
)
WITH_ID = (
    entry("box_needed", "neither a token nor a cookie names a box"),
    entry("unknown", "the box has no upload of this id"),
)
WITH_BODY = (
    entry("not_json", "the body is not JSON"),
    entry("body_too_slow", "the body took longer than 10 s"),
    entry("bodies_full", "too many bodies arrive at once; `Retry-After` says when to ask again"),
)
WRONG_KEY = error(
    "idempotency_key",
    400,
    "idempotency_key",
    "An Idempotency-Key has 16 to 200 visible characters. A random UUID is a good one.",
    "the key is too short, too long, or has other characters",
    field="Idempotency-Key",
)
GONE = entry("gone", "the upload has expired or was deleted")
AWAY = entry("storage", "storage is away; `Retry-After` says when to ask again")
REFUSED = error(
    "refused",
    422,
    "refused",
    "This is not an image we can show: JPEG, PNG, WebP, GIF and AVIF are. Send it as a file instead.",
    "the upload is not what it was declared to be, and was deleted",
)
INVALID = error(
    "invalid",
    400,
    "invalid",
    "Input should be greater than or equal to 1",
    "a field has another type or is out of bounds",
    field="lifetime",
    body={"lifetime": 0},
)


def wrong_choices(
    body: Mapping[str, object],
    *,
    lifetime: str = "the lifetime is longer than this site keeps uploads",
    downloads: str = "the limit on downloads is too high",
) -> tuple[Example, ...]:
    """The errors of a call in which a sender chooses; `body` is what it needs beside the choices."""
    wrong: tuple[tuple[str, object, str, str], ...] = (
        ("title", "x" * 81, "A title has at most 80 characters.", "the title is too long"),
        ("lifetime", 10**8, "A lifetime is from 1 to 43200 seconds.", lifetime),
        ("password", "x" * 201, "A password has at most 200 characters.", "the password is too long"),
        ("downloads", 101, "A limit on downloads is from 1 to 100.", downloads),
    )
    return (
        *(
            error(name, 400, name, says, why, field=name, body={**body, name: value})
            for name, value, says, why in wrong
        ),
        entry(
            "hashing",
            "too many passwords are being hashed; `Retry-After` says when to ask again",
            body={**body, "password": "a song"},
        ),
    )
