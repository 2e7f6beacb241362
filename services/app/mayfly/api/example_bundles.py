"""Examples of the operations on bundles, as `examples` has them of those on uploads."""

from .example import Example, Operation, entry, error
from .examples import BOX, CHANGING, EVERY, GONE, GUARDED, ID, INVALID, READY, SITE, WITH_BODY, WRONG_KEY, wrong_choices

BUNDLE = {
    "id": ID,
    "title": "Yesterday",
    "state": "ready",
    "created_at": "2026-11-26T14:00:00Z",
    "expires_at": "2026-11-26T14:15:02Z",
    "link": f"{SITE}/b/{ID}/",
    "zip": f"{SITE}/b/{ID}/zip",
    "size": 5,
    "uploads": [READY | {"bundle": ID}],
    "password": False,
    "downloads": None,
}
OPEN = BUNDLE | {"state": "open", "zip": None, "size": 0, "uploads": [], "box": BOX}
WITH_ID = (
    entry("box_needed", "neither a token nor a cookie names a box"),
    entry("unknown", "the box has no bundle of this id"),
)

BUNDLES: dict[str, Operation] = {
    "POST /api/bundles": Operation(
        Example("works", 201, OPEN, body={"title": "Yesterday", "lifetime": 900}),
        (
            INVALID,
            *wrong_choices({}),
            WRONG_KEY,
            entry("gone", "the bundle that the first call with this key began has ended"),
            error(
                "bundle_count",
                413,
                "bundle_count",
                "At most 200 bundles can be open at a time. Complete or delete some.",
                "the box has as many open bundles as it may",
            ),
            entry(
                "too_many", "too many uploads were begun in a short time; `Retry-After` says when to go on", seconds=20
            ),
            *EVERY,
            *CHANGING,
            *WITH_BODY,
        ),
    ),
    "POST /api/bundles/{bundle_id}/complete": Operation(
        Example("works", 200, BUNDLE),
        (
            error(
                "bundle_empty",
                409,
                "bundle_empty",
                "Nothing in this bundle has arrived yet.",
                "none of its uploads is ready",
            ),
            GONE,
            *EVERY,
            *CHANGING,
            *WITH_ID,
        ),
    ),
    "GET /api/bundles": Operation(
        Example("works", 200, {"bundles": [BUNDLE], "next": None}, query="limit=10"),
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
                "the cursor names no bundle of this box",
                field="cursor",
                query=f"cursor={ID}",
            ),
            *EVERY,
        ),
    ),
    "GET /api/bundles/{bundle_id}": Operation(Example("works", 200, BUNDLE), (GONE, *EVERY, *WITH_ID)),
    "PATCH /api/bundles/{bundle_id}": Operation(
        Example(
            "works",
            200,
            BUNDLE | {"password": True, "downloads": {"most": 3, "taken": 0}, "uploads": [GUARDED | {"bundle": ID}]},
            body={"title": "Yesterday", "lifetime": 1800, "password": "a song", "downloads": 3},
        ),
        (
            INVALID,
            *wrong_choices({}),
            GONE,
            entry("too_many", "too many changes came in a short time; `Retry-After` says when to go on", seconds=20),
            *EVERY,
            *CHANGING,
            *WITH_ID,
            *WITH_BODY,
        ),
    ),
    "DELETE /api/bundles/{bundle_id}": Operation(Example("works", 204), (*EVERY, *CHANGING, *WITH_ID)),
}
