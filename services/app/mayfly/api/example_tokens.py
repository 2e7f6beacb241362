"""Examples of the operations on tokens; see `examples`."""

from .example import Example, Operation, entry, error
from .examples import BOX, CHANGING, EVERY, ONLY_SENDS, WITH_BODY

TOKENS: dict[str, Operation] = {
    "POST /api/box/token": Operation(
        Example("works", 201, {"token": BOX, "scope": "all"}, body={"scope": "all"}),
        (
            error(
                "invalid",
                400,
                "invalid",
                "Input should be 'all' or 'upload'",
                "there is no such scope",
                field="scope",
                body={"scope": "read"},
            ),
            entry("box_needed", "neither a token nor a cookie names a box"),
            entry("shared_box", "SHARED_BOX is set"),
            entry(
                "too_many", "too many tokens were made in a short time; `Retry-After` says when to go on", seconds=20
            ),
            *EVERY,
            ONLY_SENDS,
            *CHANGING,
            *WITH_BODY,
        ),
    ),
}
