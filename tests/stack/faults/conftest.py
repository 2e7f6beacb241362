"""Run the points of all selected tests in both worlds at once, and report their number at the end."""

from collections import Counter

from .points import OPERATIONS, Point
from .worlds import worlds


def pytest_collection_finish(session) -> None:
    for item in session.items:
        point = getattr(item, "callspec", None) and item.callspec.params.get("point")
        if isinstance(point, Point) and not session.config.option.collectonly:
            worlds()[point.world].submit(point)


def pytest_unconfigure() -> None:
    if worlds.cache_info().currsize:
        for world in worlds().values():
            world.end()


def hits() -> dict[Point, object]:
    """The points at which the fault struck, by their results; without those of swapped steps."""
    tried = [(point, future) for world in worlds().values() for point, future in list(world.tried.items())]
    done = [(point, future) for point, future in tried if future.done() and not future.cancelled()]
    results = {point: future.result() for point, future in done if not future.exception() and not point.swap}
    return {point: result for point, result in results.items() if result.struck}


def pytest_terminal_summary(terminalreporter) -> None:
    if not worlds.cache_info().currsize:
        return
    struck = hits()
    terminalreporter.section("fault points")
    for operation in OPERATIONS:
        # A point counts once, even if it ran twice because the visitor comes back or does not.
        named = {str(point): f"{point.world} {point.mode}" for point in struck if point.operation == operation}
        told = ", ".join(f"{what} {number}" for what, number in sorted(Counter(named.values()).items()))
        terminalreporter.line(f"{operation:<10} {len(named):>4}   {told}")
    broken = sum(bool(result.broken) for result in struck.values())
    died = sum(result.died for result in struck.values())
    distinct = len({str(point) for point in struck})
    terminalreporter.line(
        f"{distinct} points, {len(struck)} runs, {died} deaths; a promise was broken in {broken} of them"
    )
