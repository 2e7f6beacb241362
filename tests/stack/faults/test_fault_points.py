"""A fault at any step of an operation loses nothing and leaves nothing behind."""

import pytest

from .conftest import hits
from .points import OPERATIONS, WORLDS, Point
from .worlds import Result, points, worlds

# Signing asks S3 nothing, and neither does a change of the deadline.
ASKING = [operation for operation in OPERATIONS if operation not in ("sign", "keep")]


def outcome(point: Point) -> Result:
    """The result of this fault. Fails if the fault did not strike, or if a promise is broken."""
    result = worlds()[point.world].submit(point).result()
    assert result.struck, f"there was no such step: it answered {result.answer} {result.error}"
    assert not result.broken, "\n".join([*result.broken, result.error, result.log])
    return result


# On disk only `before` counts, because dying after one change is dying before the next.
DEATHS = points("kill", places=["storage", "commit"]) + points("kill", places=["disk"], whens=["before"])


@pytest.mark.parametrize("point", DEATHS, ids=str)
def test_a_process_that_dies_loses_nothing_and_leaves_nothing(point):
    """Cases 44 and 61."""
    assert outcome(point).died


@pytest.mark.parametrize("point", points("kill", operations=["complete"], returns=False), ids=str)
def test_a_visitor_who_leaves_after_a_crash_leaves_nothing_behind(point):
    assert outcome(point).died


@pytest.mark.parametrize("point", points("error"), ids=str)
def test_an_error_gets_its_documented_answer_and_loses_nothing(point):
    result = outcome(point)
    assert result.answer in result.documented, result.error


@pytest.mark.parametrize(
    "point", points("retry", operations=ASKING, worlds=["s3"], places=["storage"], whens=["after"]), ids=str
)
def test_a_visitor_does_not_notice_a_lost_answer_of_storage(point):
    result = outcome(point)
    assert result.answer == result.done, result.error


@pytest.mark.parametrize("point", points("meanwhile", operations=["clear"], places=["storage", "disk"]), ids=str)
def test_a_completion_under_way_brings_no_cleared_upload_back(point):
    assert outcome(point).answer == "done"


@pytest.mark.parametrize(
    "point", points("meanwhile", operations=["reconcile"], places=["storage", "commit"], whens=["before"]), ids=str
)
def test_a_second_slice_at_any_step_does_no_harm(point):
    """Case 61."""
    assert outcome(point).answer == "done"


def test_faults_struck_every_operation_at_forty_points_or_more():
    struck = hits()
    assert {(point.operation, point.world) for point in struck} == {(o, w) for o in OPERATIONS for w in WORLDS}
    assert len({str(point) for point in struck}) >= 40
