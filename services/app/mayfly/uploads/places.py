"""The threads of this process that may complete uploads at the same time.

A complete waits for storage. If storage hangs, completes of many uploads could hold every thread, and no page and no
probe would be answered.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from .errors import Crowded

# Seconds for which one more thread waits for a place. A usual complete takes a fifth of a second.
MOMENT = 1


class Places:
    """Lets two threads fewer than the process has work at the same time, and at least one; one more waits for them.

    So at least one thread of three is left for pages, probes and bodies.
    """

    def __init__(self, *, threads: int):
        places = max(1, threads - 2)
        self._working = threading.Semaphore(places)
        self._waiting = threading.Semaphore(max(0, min(1, threads - places - 1)))

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Hold a place for the length of the block.

        Raises:
            Crowded: all places are taken, and stay so for MOMENT, or another thread waits already.
        """
        if not self._working.acquire(blocking=False):
            self._wait()
        try:
            yield
        finally:
            self._working.release()

    def _wait(self) -> None:
        if not self._waiting.acquire(blocking=False):
            raise Crowded
        try:
            if not self._working.acquire(timeout=MOMENT):
                raise Crowded
        finally:
            self._waiting.release()


# Each process of gunicorn has its own, because the processes are copies of the one that reads this file.
for_completes = Places(threads=settings.WEB_THREADS)
