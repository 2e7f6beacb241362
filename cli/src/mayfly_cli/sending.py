"""Send one file: its parts side by side, each again if it fails, and later from where it was interrupted."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock
from typing import Any, BinaryIO

import httpx

from .errors import Failure, Refused, Stopped
from .remembered import Remembered
from .server import Patience, Server

JOBS = 4  # parts at the same time; the page sends as many
PIECE = 256 * 1024  # bytes between two looks at progress
# A part may wait for a slow line, but a connection on which nothing moves for this long is dead.
_TIMEOUT = httpx.Timeout(60, connect=15)

Progress = Callable[[int], None]


class Lost(Failure):
    """The server no longer has the transfer, so it has to begin anew."""


class Sender:
    """Sends files through one server. `progress` is called with the bytes that have just gone, or come back."""

    def __init__(self, server: Server, remembered: Remembered, *, jobs: int = JOBS):
        self._server, self._remembered, self._jobs = server, remembered, jobs
        self._storage = httpx.Client(
            timeout=_TIMEOUT, limits=httpx.Limits(max_connections=jobs, max_keepalive_connections=jobs)
        )

    def close(self) -> None:
        self._storage.close()

    def send(self, path: Path, *, progress: Progress = lambda size: None, **fields: Any) -> dict[str, Any]:
        """Send the file at `path`, and return the ready upload.

        `fields` are those of the API: kind, name, title, lifetime. An upload of the same file that was interrupted
        goes on. Raises Failure and its kinds.
        """
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            key = "\n".join(
                [
                    self._server.url,
                    str(path.resolve()),
                    str(status.st_size),
                    str(status.st_mtime_ns),
                    str(fields["kind"]),
                ]
            )
            if upload := self._remembered.transfer(key):
                with suppress(Lost):
                    return self._finish(file, upload, status.st_size, key, progress)
            begun = self._server.begin(size=status.st_size, **fields)
            self._remembered.keep_transfer(key, begun["id"])
            return self._finish(file, begun["id"], status.st_size, key, progress)

    def _finish(self, file: BinaryIO, upload: str, size: int, key: str, progress: Progress) -> dict[str, Any]:
        """Send what is missing of an upload, and complete it."""
        try:
            ready = self._completed(file, upload, size, progress)
        except Refused as refused:
            self._remembered.forget_transfer(key)
            if refused.http in (404, 410):
                raise Lost(str(refused)) from refused
            raise
        self._remembered.forget_transfer(key)
        return ready

    def _completed(self, file: BinaryIO, upload: str, size: int, progress: Progress) -> dict[str, Any]:
        state = self._server.upload(upload)
        if state["state"] == "ready":
            progress(size)
            return state
        plan = _plan(self._server, upload, size)
        here = {part["number"] for part in self._server.arrived(upload)}
        progress(sum(plan[number][1] for number in here))
        missing = [number for number in plan if number not in here]
        while True:
            self._send_parts(file, upload, {number: plan[number] for number in missing}, progress)
            try:
                return self._server.complete(upload)
            except Refused as refused:
                if not refused.missing:
                    raise
                missing = list(refused.missing)  # storage has lost them since
                progress(-sum(plan[number][1] for number in missing))

    def _send_parts(self, file: BinaryIO, upload: str, parts: dict[int, tuple[int, int]], progress: Progress) -> None:
        """Send these parts, several at once. The first failure that does not pass ends all."""
        patience = Patience(self._server.patience, stop=self._server.stop)
        waiting, running = list(parts), dict[Future[None], int]()
        signed: dict[int, dict[str, Any]] = {}
        content = Content(file)
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < self._jobs:
                        if waiting[0] not in signed:
                            batch = waiting[: 4 * self._jobs]
                            signed |= {part["number"]: part for part in self._server.sign(upload, batch)}
                        number = waiting.pop(0)
                        task = pool.submit(self._put, content, signed.pop(number), parts[number], progress)
                        running[task] = number
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for task in done:
                        number = running.pop(task)
                        why = _passing(task)
                        if why:
                            waiting.insert(0, number)  # with a new signature, because the old one may have expired
                            patience.wait(why)
                        else:
                            patience.success()
            except BaseException as error:
                content.over.set()
                if isinstance(error, KeyboardInterrupt):
                    self._storage.close()  # ends the parts that wait for the network
                raise

    def _put(self, content: "Content", part: dict[str, Any], place: tuple[int, int], progress: Progress) -> None:
        """Send one part. If it fails, `progress` takes back the bytes that it counted."""
        sent = 0

        def pieces() -> Iterator[bytes]:
            nonlocal sent
            start, size = place
            while sent < size:
                piece = content.read(start + sent, min(PIECE, size - sent))
                yield piece
                sent += len(piece)
                progress(len(piece))

        headers = part["headers"] | {"Content-Length": str(place[1])}
        try:
            answer = self._storage.put(part["url"], content=pieces(), headers=headers)
        except BaseException:
            progress(-sent)
            raise
        if not answer.is_success:
            progress(-sent)
            raise httpx.HTTPStatusError(
                f"storage answers {answer.status_code}", request=answer.request, response=answer
            )


class Content:
    """The bytes of a file, which several threads read. `over` ends all of them."""

    def __init__(self, file: BinaryIO):
        self.over = Event()
        self._file, self._one_at_a_time = file, Lock()

    def read(self, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start` on, at least one. Raises Stopped once `over` is set."""
        if self.over.is_set():
            raise Stopped("stopped")
        with self._one_at_a_time:
            self._file.seek(start)
            piece = self._file.read(size)
        if not piece:
            raise Failure(f"{self._file.name} has become shorter while it was sent")
        return piece


def _passing(task: Future[None]) -> str:
    """Why a part has to be sent again; "" if it has arrived. Raises what does not pass."""
    try:
        task.result()
    except httpx.HTTPStatusError as error:
        if error.response.status_code in (400, 411, 413):
            raise Failure(str(error)) from error
        return str(error)
    except httpx.TransportError as error:
        return f"storage cannot be reached: {error}"
    return ""


def _plan(server: Server, upload: str, size: int) -> dict[int, tuple[int, int]]:
    """Where each part begins and its size, in bytes, from the size of the first part, which the server tells."""
    first = server.sign(upload, [1])[0]["size"]
    return {number: (start, min(first, size - start)) for number, start in enumerate(range(0, size, first), start=1)}
