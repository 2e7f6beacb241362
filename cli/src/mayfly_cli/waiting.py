"""Wait until uploads were fetched."""

from collections.abc import Iterator
from typing import Any

from .errors import Failure, Stopped
from .output import Output
from .server import Server
from .values import clock

# Seconds between two questions. The pause grows, because a link that was not used at once may be used in hours; it
# stays below the 60 s for which an upload is still there after its last download.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


def wait_until_fetched(server: Server, uploads: list[dict[str, Any]], output: Output) -> None:
    """Wait until each of these uploads was fetched once.

    Raises Refused with exit status 4 for one that expires or is removed before.
    """
    waiting = {upload["id"]: upload["name"] for upload in uploads}
    for pause in _pauses():
        for upload, name in list(waiting.items()):
            state = server.upload(upload)
            if "fetched" not in state:
                raise Failure("this server does not tell whether an upload was fetched")
            if state["fetched"]["count"]:
                output.remark(f"{name} was fetched at {clock(state['fetched']['last_at'])}")
            if state["fetched"]["count"] or (state.get("downloads") or {}).get("taken"):
                del waiting[upload]
        if not waiting:
            return
        if server.stop.wait(pause):
            raise Stopped("stopped")


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(1.5 * pause, LONGEST_PAUSE)
