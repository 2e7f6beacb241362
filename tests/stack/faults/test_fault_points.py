"""Whatever cuts an operation off, wherever: nothing is lost, and nothing is left."""

import pytest

from .conftest import hits
from .points import OPERATIONS, WORLDS, Point
from .worlds import Result, points, worlds

# Signing asks S3 nothing.
ASKING = [operation for operation in OPERATIONS if operation != "sign"]


def outcome(point: Point) -> Result:
    """What the fault led to, which has to have struck, and to have broken none of the promises."""
    result = worlds()[point.world].submit(point).result()
    assert result.struck, f"there was no such step: it answered {result.answer} {result.error}"
    assert not result.broken, "\n".join([*result.broken, result.error, result.log])
    return result


# Of two changes on disk, dying after the first is dying before the second.
DEATHS = points("kill", places=["storage", "commit"]) + points("kill", places=["disk"], whens=["before"])


@pytest.mark.parametrize("point", DEATHS, ids=str)
def test_a_process_that_dies_loses_nothing_and_leaves_nothing(point):
    """Case 44."""
    assert outcome(point).died


@pytest.mark.parametrize("point", points("kill", operations=["complete"], returns=False), ids=str)
def test_a_visitor_who_does_not_come_back_after_a_crash_leaves_nothing(point):
    assert outcome(point).died


@pytest.mark.parametrize("point", points("error"), ids=str)
def test_an_error_is_answered_as_documented_and_loses_nothing_and_leaves_nothing(point):
    result = outcome(point)
    assert result.answer in result.documented, result.error


@pytest.mark.parametrize(
    "point", points("retry", operations=ASKING, worlds=["s3"], places=["storage"], whens=["after"]), ids=str
)
def test_a_lost_answer_is_asked_for_again_and_nobody_notices(point):
    result = outcome(point)
    assert result.answer == result.done, result.error


@pytest.mark.parametrize("point", points("meanwhile", operations=["clear"], places=["storage", "disk"]), ids=str)
def test_a_completion_that_is_under_way_brings_nothing_back(point):
    assert outcome(point).answer == "done"


def test_every_operation_was_hit_in_both_worlds_at_forty_points_or_more():
    struck = hits()
    assert {(point.operation, point.world) for point in struck} == {(o, w) for o in OPERATIONS for w in WORLDS}
    assert len({str(point) for point in struck}) >= 40
