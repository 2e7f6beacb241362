"""Examples for the API's document: for each operation a request that works, its answer, and each error it can give.

The tests run every one of them. An operation without an entry here fails a test, which says what to add.
"""

from typing import Any

from .example import Example, Operation, entry, error

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
BEGIN = {"kind": "file", "name": "report.txt", "size": 5, "title": "For Ada", "lifetime": 900}


def _begin(**changes: object) -> dict[str, object]:
    return BEGIN | changes


OPERATIONS: dict[str, Operation] = {
    "POST /api/uploads": Operation(
        Example("works", 201, BEGUN, body=BEGIN),
        (
            error(
                "invalid",
                400,
                "invalid",
                "Field required",
                "a field is missing or has another type",
                field="size",
                body={"kind": "file", "name": "report.txt"},
            ),
            error(
                "empty",
                400,
                "empty",
                "This file is empty. Choose one that has something in it.",
                "the size is 0",
                field="size",
                body=_begin(size=0),
            ),
            error(
                "name",
                400,
                "name",
                "A file needs a name.",
                "the name is empty or too long",
                field="name",
                body=_begin(name=""),
            ),
            error(
                "title",
                400,
                "title",
                "A title has at most 80 characters.",
                "the title is too long",
                field="title",
                body=_begin(title="x" * 81),
            ),
            error(
                "lifetime",
                400,
                "lifetime",
                "A lifetime is from 1 to 43200 seconds.",
                "the lifetime is longer than this site keeps uploads",
                field="lifetime",
                body=_begin(lifetime=10**8),
            ),
            error(
                "password",
                400,
                "password",
                "A password has at most 200 characters.",
                "the password is too long",
                field="password",
                body=_begin(password="x" * 201),
            ),
            error(
                "downloads",
                400,
                "downloads",
                "A limit on downloads is from 1 to 100.",
                "the limit on downloads is too high",
                field="downloads",
                body=_begin(downloads=101),
            ),
            entry(
                "hashing",
                "too many passwords are being hashed; `Retry-After` says when to ask again",
                body=BEGIN | {"password": "a song"},
            ),
            WRONG_KEY,
            entry("underway", "the first call with this key is still at work; `Retry-After` says when to ask again"),
            entry("key_reused", "the key came with another body before"),
            error(
                "gone",
                410,
                "gone",
                "This upload has expired or was deleted.",
                "the upload that the first call with this key began has ended",
            ),
            REFUSED,
            error(
                "not_text",
                400,
                "not_text",
                "This is not valid text.",
                "a text has a half of a character",
                field="name",
                body=_begin(name="\ud800"),
            ),
            error(
                "bundle_closed",
                409,
                "bundle_closed",
                "No bundle of this id takes uploads. It is complete, has expired, was deleted, or is not yours.",
                "the box has no open bundle of this id",
                field="bundle",
                body=_begin(bundle=ID),
            ),
            error(
                "bundle_protects",
                400,
                "bundle_protects",
                "A bundle protects its uploads. Give the password or the limit on downloads to the bundle.",
                "the upload is to be in a bundle, and to have a protection of its own",
                field="bundle",
                body=_begin(bundle=ID, downloads=3),
            ),
            error(
                "bundle_full",
                413,
                "bundle_full",
                "A bundle has at most 200 uploads. Begin another.",
                "the bundle has as many uploads as it may",
                field="bundle",
            ),
            error(
                "too_large",
                413,
                "too_large",
                "Files can be up to 4.1 GB. Split it into smaller ones.",
                "it is larger than one upload may be",
                field="size",
                body=_begin(size=10**13),
            ),
            error(
                "box_full",
                413,
                "box_full",
                "Your uploads can total at most 8.19 GB. Delete some, or wait for them to expire.",
                "the box has no room for so many bytes",
                field="size",
            ),
            error(
                "box_count",
                413,
                "box_count",
                "You can have at most 200 uploads here at a time. Delete some, or wait for them to expire.",
                "the box has as many uploads as it may",
            ),
            error(
                "address_full",
                429,
                "address_full",
                "All uploads from your network address can total at most 32.8 GB. Wait for some to expire.",
                "uploads from this network address have as many bytes as they may",
                field="size",
            ),
            error(
                "address_count",
                429,
                "address_count",
                "Your network address can have at most 4000 uploads here at a time. Wait for some to expire.",
                "there are as many uploads from this address as may be",
            ),
            entry(
                "too_many", "too many uploads were begun in a short time; `Retry-After` says when to go on", seconds=20
            ),
            error(
                "site_full",
                503,
                "site_full",
                "This site holds all that it can at the moment. Wait for some uploads to expire, then try again.",
                "the site has no room",
                field="size",
            ),
            AWAY,
            *EVERY,
            *CHANGING,
            *WITH_BODY,
        ),
    ),
    "POST /api/uploads/{upload_id}/parts": Operation(
        Example("works", 200, {"parts": [SIGNED]}, body={"numbers": [1]}),
        (
            error(
                "invalid",
                400,
                "invalid",
                "List should have at least 1 item after validation, not 0",
                "`numbers` is empty or has more than 1000 numbers",
                field="numbers",
                body={"numbers": []},
            ),
            error(
                "no_such_part",
                400,
                "no_such_part",
                "There is no part 2: this upload has parts 1 to 1.",
                "the upload has no such part",
                field="numbers",
                body={"numbers": [2]},
            ),
            error(
                "part_doubled",
                400,
                "part_doubled",
                "Part 1 is asked for twice. Name each part once.",
                "a number comes twice",
                field="numbers",
                body={"numbers": [1, 1]},
            ),
            GONE,
            *EVERY,
            *CHANGING,
            *WITH_ID,
            *WITH_BODY,
        ),
    ),
    "GET /api/uploads/{upload_id}/parts": Operation(
        Example("works", 200, {"parts": [{"number": 1, "size": 5}]}),
        (GONE, AWAY, *EVERY, *WITH_ID),
    ),
    "POST /api/uploads/{upload_id}/complete": Operation(
        Example("works", 200, READY),
        (
            entry("parts_missing", "parts have not arrived; `missing` has their numbers", count=1, missing=[1]),
            GONE,
            REFUSED,
            entry("completes_full", "too many uploads are being completed; `Retry-After` says when to ask again"),
            entry("completing", "another call completes this upload; `Retry-After` says when to ask again"),
            AWAY,
            *EVERY,
            *CHANGING,
            *WITH_ID,
        ),
    ),
    "GET /api/uploads": Operation(
        Example("works", 200, {"uploads": [READY], "next": None}, query="kind=file&limit=10"),
        (
            error(
                "invalid",
                400,
                "invalid",
                "Input should be greater than or equal to 1",
                "a parameter has another type or is out of bounds",
                field="limit",
                query="limit=0",
            ),
            error(
                "cursor",
                400,
                "cursor",
                "This page of the list is no longer there. Begin with the first.",
                "the cursor names no upload of this box",
                field="cursor",
                query=f"cursor={ID}",
            ),
            *EVERY,
            ONLY_SENDS,
        ),
    ),
    "GET /api/uploads/{upload_id}": Operation(Example("works", 200, READY), (GONE, REFUSED, *EVERY, *WITH_ID)),
    "PATCH /api/uploads/{upload_id}": Operation(
        Example(
            "works", 200, GUARDED, body={"title": "For Ada", "lifetime": 1800, "password": "a song", "downloads": 3}
        ),
        (
            error(
                "invalid",
                400,
                "invalid",
                "Input should be greater than or equal to 1",
                "a field has another type or is out of bounds",
                field="lifetime",
                body={"lifetime": 0},
            ),
            error(
                "title",
                400,
                "title",
                "A title has at most 80 characters.",
                "the title is too long",
                field="title",
                body={"title": "x" * 81},
            ),
            error(
                "lifetime",
                400,
                "lifetime",
                "A lifetime is from 1 to 43200 seconds.",
                "the lifetime is longer than this site keeps uploads, or over within a minute",
                field="lifetime",
                body={"lifetime": 10**8},
            ),
            error(
                "password",
                400,
                "password",
                "A password has at most 200 characters.",
                "the password is too long",
                field="password",
                body={"password": "x" * 201},
            ),
            error(
                "downloads",
                400,
                "downloads",
                "A limit on downloads is from 1 to 100.",
                "the limit on downloads is too high, or others have taken as many already",
                field="downloads",
                body={"downloads": 101},
            ),
            entry(
                "hashing",
                "too many passwords are being hashed; `Retry-After` says when to ask again",
                body={"password": "a song"},
            ),
            error(
                "bundle",
                400,
                "bundle",
                "This upload is in a bundle, and has its lifetime and protection. Change those of the bundle.",
                "the upload is in a bundle",
            ),
            GONE,
            entry("too_many", "too many changes came in a short time; `Retry-After` says when to go on", seconds=20),
            *EVERY,
            ONLY_SENDS,
            *CHANGING,
            *WITH_ID,
            *WITH_BODY,
        ),
    ),
    "DELETE /api/uploads/{upload_id}": Operation(Example("works", 204), (*EVERY, ONLY_SENDS, *CHANGING, *WITH_ID)),
    "DELETE /api/uploads": Operation(
        Example("works", 204, query="kind=file"),
        (
            error(
                "invalid",
                400,
                "invalid",
                "Input should be 'image' or 'file'",
                "there is no such kind",
                field="kind",
                query="kind=film",
            ),
            *EVERY,
            ONLY_SENDS,
            *CHANGING,
        ),
    ),
}
