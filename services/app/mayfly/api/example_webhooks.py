"""Examples of the operations on webhooks; see `examples`."""

from typing import Any

from .example import Example, Operation, entry, error
from .examples import CHANGING, EVERY, ID, ONLY_SENDS, WITH_BODY

URL = "https://hooks.example.org/mayfly"
WEBHOOK: dict[str, Any] = {
    "id": ID,
    "url": URL,
    "events": ["ready", "gone"],
    "created_at": "2026-11-26T14:00:00Z",
    "failures": 0,
    "last_status": None,
}
BODY = {"url": URL, "events": ["ready", "gone"]}
ALL = (
    entry("webhooks_off", "the operator has not switched webhooks on"),
    entry("box_needed", "neither a token nor a cookie names a box"),
    ONLY_SENDS,
    *EVERY,
)

WEBHOOKS: dict[str, Operation] = {
    "POST /api/webhooks": Operation(
        Example("works", 201, WEBHOOK | {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD9vTyRVjx6gM="}, body=BODY),
        (
            error(
                "invalid",
                400,
                "invalid",
                "Input should be 'ready', 'fetched' or 'gone'",
                "a field is missing or has another type",
                field="events.0",
                body=BODY | {"events": ["begun"]},
            ),
            error(
                "url",
                400,
                "url",
                "A webhook leads to a public address only.",
                "the URL is not one that a webhook may have",
                field="url",
                body={"url": "https://127.0.0.1/"},
            ),
            error(
                "webhook_count",
                409,
                "webhook_count",
                "You can have at most 3 webhooks. Remove one of them first.",
                "the box, or your network address, has as many as it may",
            ),
            entry("too_many", "too many changes came in a short time; `Retry-After` says when to go on", seconds=20),
            *ALL,
            *CHANGING,
            *WITH_BODY,
        ),
    ),
    "GET /api/webhooks": Operation(Example("works", 200, {"webhooks": [WEBHOOK]}), ALL),
    "DELETE /api/webhooks/{webhook_id}": Operation(
        Example("works", 204), (entry("unknown", "the box has no webhook of this id"), *ALL, *CHANGING)
    ),
}
