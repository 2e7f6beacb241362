"""Examples for the API's document: for each operation on uploads a request that works, its answer, and each error.

The tests run every one of them. An operation without an entry here fails a test, which says what to add.
"""

from .example import Example, Operation, entry, error
from .examples import (
    CHANGING,
    EVERY,
    GONE,
    GUARDED,
    ID,
    INVALID,
    ONLY_SENDS,
    READY,
    REFUSED,
    WITH_BODY,
    WITH_ID,
    wrong_choices,
)

UPLOADS: dict[str, Operation] = {
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
            INVALID,
            *wrong_choices(
                {},
                lifetime="the lifetime is longer than this site keeps uploads, or over within a minute",
                downloads="the limit on downloads is too high, or others have taken as many already",
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
