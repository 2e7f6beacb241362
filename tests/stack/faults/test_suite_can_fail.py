"""The suite can fail: with two steps of the product in the wrong order, the checks find broken promises."""

import pytest

from .points import WORLDS, Point
from .worlds import worlds

SWAPPED = [
    ("gone-before-object", "remove", "kill", "the row says gone, and there is an object"),
    ("object-before-transfer", "clear", "meanwhile", "an object without a row"),
    ("transfer-before-row", "begin", "kill", "an open transfer without a row"),
    ("ready-before-complete", "complete", "kill", "ready, and there is no object"),
    ("offered-before-clean", "clean", "kill", "ready, and its bytes differ"),
]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(
    ("swap", "operation", "mode", "found"), [pytest.param(*swapped, id=swapped[0]) for swapped in SWAPPED]
)
def test_the_checks_notice_two_steps_in_the_wrong_order(swap, operation, mode, found, world):
    tried = [
        worlds()[world].submit(Point(operation, world, mode, when, place, number, swap=swap))
        for place, count in worlds()[world].steps(operation, swap=swap).items()
        for number in range(1, count + 1)
        for when in ("before", "after")
    ]
    broken = [what for future in tried for what in future.result().broken]
    assert any(found in what for what in broken), broken
