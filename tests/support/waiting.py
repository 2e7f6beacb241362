"""Waiting, by the clock, for something to become true."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], *, seconds: float = 20, every: float = 0.02) -> float:
    """Ask again and again until `holds()` is true. Returns the seconds waited; fails after `seconds`."""
    start = time.monotonic()
    while not holds():
        assert time.monotonic() - start < seconds, f"not within {seconds} s"
        time.sleep(every)
    return time.monotonic() - start


def a_moment_later() -> None:
    """Let the database's clock move on. SQLite counts milliseconds, and events within one have no order."""
    time.sleep(0.005)
