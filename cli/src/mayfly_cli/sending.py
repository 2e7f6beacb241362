"""Send files: parts and small files side by side, each again if it fails, and later from where it was interrupted."""

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import Any, BinaryIO, Self

import httpx

from .errors import Failure, Refused, Stopped
from .lines import Lines
from .remembered import Remembered
from .server import Patience, Server

JOBS = 4  # parts at the same time; the page sends as many
# Bytes up to which a file is one part on every server: S3 allows no smaller parts before the last one. Such files go
# side by side. A larger one goes alone, because its parts do.
SMALL = 5 * 1024 * 1024
PIECE = 256 * 1024  # bytes between two looks at progress
# Seconds of sending for which parts are signed at a time: a signature lasts for 15 minutes, and no part goes while the
# server signs. One call signs 1,000 at most.
SIGN_AHEAD, MOST_SIGNED = 300, 1000
# A part may wait for a slow line, but a connection on which nothing moves for this long is dead.
_TIMEOUT = httpx.Timeout(60, connect=15)

Progress = Callable[[int], None]


class Lost(Failure):
    """The server no longer has the transfer, so it has to begin anew."""


@dataclass
class Transfer:
    """An upload under way. `plan` says where each part begins and how long it is, in bytes.

    `missing` are the parts to send. `signed` has what the server has signed already, by the number of the part, and
    `etag` the answer of storage to the last part that arrived.
    """

    upload: str
    plan: dict[int, tuple[int, int]]
    missing: list[int]
    signed: dict[int, dict[str, Any]] = field(default_factory=dict)
    etag: str = ""


class Sender:
    """Sends files through one server. Leaving its context by an error ends what is under way; it can go on later."""

    def __init__(self, server: Server, remembered: Remembered, *, jobs: int = JOBS):
        self._server, self._remembered, self._jobs = server, remembered, jobs
        self._storage = httpx.Client(
            timeout=_TIMEOUT, limits=httpx.Limits(max_connections=jobs, max_keepalive_connections=jobs)
        )
        self._lines = Lines()
        self._files = ThreadPoolExecutor(jobs)
        self._under_way: dict[str, Future[dict[str, Any]]] = {}
        self._kept: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error:
            self._server.stop.set()
            self._lines.cut()
            self._server.lines.cut()
        self._files.shutdown(cancel_futures=True)
        self._storage.close()

    def send(
        self, files: list[tuple[Path, str]], *, progress: Progress = lambda size: None, **fields: Any
    ) -> Iterator[tuple[Path, Future[dict[str, Any]]]]:
        """Send files, each with the name that it gets; yield each one and what becomes its ready upload, in order.

        `progress` is called with the bytes that have just gone, or come back. `fields` are those of the API: kind,
        title, lifetime and others. Small files go side by side. They begin in the order of `files`, which is that of a
        bundle; images end in that order too, because the last ones stay. An upload of the same file with the same
        fields that was interrupted goes on. One for a bundle is remembered until `forget`. The tasks raise Failure, its
        kinds, and OSError.
        """
        running = deque[tuple[Path, Future[dict[str, Any]]]]()
        for path, name in files:
            alone = path.stat().st_size > SMALL or fields.get("kind") == "image"
            while running and (alone or len(running) == self._jobs):
                yield running.popleft()
            running.append((path, self._start(path, progress, fields | {"name": name})))
            if alone:
                yield running.popleft()
        yield from running

    def _start(self, path: Path, progress: Progress, fields: dict[str, Any]) -> Future[dict[str, Any]]:
        """Begin the upload of a file, and send the file in another thread."""
        try:
            with ExitStack() as unsent:
                file = unsent.enter_context(open(path, "rb"))
                status = os.fstat(file.fileno())
                key = _key(self._server.url, path, status, fields)
                if key in self._under_way:  # the same file was named twice
                    wait([self._under_way[key]])
                if fields.get("bundle"):
                    self._kept.append(key)
                known = self._remembered.transfer(key)
                begun = None if known else self._begin(key, status.st_size, fields)
                task = self._files.submit(self._go_on, file, key, known, begun, progress, fields)
                unsent.pop_all()
        except (Failure, OSError) as error:
            task = Future()
            task.set_exception(error)
        else:
            self._under_way[key] = task
        return task

    def _go_on(
        self,
        file: BinaryIO,
        key: str,
        known: str,
        begun: dict[str, Any] | None,
        progress: Progress,
        fields: dict[str, Any],
    ) -> dict[str, Any]:
        """Send the file of an upload that an earlier call knows, or of one that has just begun."""
        with file:
            size = os.fstat(file.fileno()).st_size
            if known:
                with suppress(Lost), self._known_as(key):
                    return self._finish(file, self._taken_up(known, size, progress), progress)
            begun = begun or self._begin(key, size, fields)
            with self._known_as(key):
                return self._finish(file, _begun(begun), progress)

    def _begin(self, key: str, size: int, fields: dict[str, Any]) -> dict[str, Any]:
        begun = self._server.begin(size=size, **fields)
        self._remembered.keep_transfer(key, begun["id"])
        return begun

    def forget(self) -> None:
        """Forget the uploads of a bundle, once that is complete."""
        for key in self._kept:
            self._remembered.forget_transfer(key)
        self._kept.clear()

    @contextmanager
    def _known_as(self, key: str) -> Iterator[None]:
        """Forget a transfer when it is over. Raises Lost if the server does not have it."""
        try:
            yield
        except Refused as refused:
            if refused.http != 429:  # the server has it, and takes no more requests for a while
                self._remembered.forget_transfer(key)
            if refused.http in (404, 410):
                raise Lost(str(refused)) from refused
            raise
        if key not in self._kept:
            self._remembered.forget_transfer(key)

    def _taken_up(self, upload: str, size: int, progress: Progress) -> Transfer:
        """The transfer of an earlier call, with the parts that storage lacks."""
        if self._server.upload(upload)["state"] == "ready":
            progress(size)
            return Transfer(upload, {}, [])
        first = self._server.sign(upload, [1])[0]
        plan = _plan(size, first["size"])
        here = {part["number"] for part in self._server.arrived(upload)}
        progress(sum(plan[number][1] for number in here))
        return Transfer(upload, plan, [number for number in plan if number not in here], {1: first})

    def _finish(self, file: BinaryIO, transfer: Transfer, progress: Progress) -> dict[str, Any]:
        """Send what is missing of an upload, and complete it."""
        while True:
            self._send_parts(file, transfer, progress)
            try:
                return self._server.complete(transfer.upload, transfer.etag if len(transfer.plan) == 1 else "")
            except Refused as refused:
                if not refused.missing:
                    raise
                transfer.missing = list(refused.missing)  # storage has lost them since
                progress(-sum(transfer.plan[number][1] for number in transfer.missing))

    def _send_parts(self, file: BinaryIO, transfer: Transfer, progress: Progress) -> None:
        """Send the missing parts, several at once. The first failure that does not pass ends all."""
        patience = Patience(self._server.patience, stop=self._server.stop)
        waiting, running = list(transfer.missing), dict[Future[str], int]()
        signed = transfer.signed
        content = Content(file, self._server.stop)
        began, arrived = time.monotonic(), 0
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                while waiting or running:
                    while waiting and len(running) < self._jobs:
                        if waiting[0] not in signed:
                            pace = arrived / (time.monotonic() - began + 1)
                            batch = waiting[: max(4 * self._jobs, min(int(pace * SIGN_AHEAD), MOST_SIGNED))]
                            signed |= {part["number"]: part for part in self._server.sign(transfer.upload, batch)}
                        number = waiting.pop(0)
                        task = pool.submit(self._put, content, signed.pop(number), transfer.plan[number], progress)
                        running[task] = number
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for task in done:
                        number = running.pop(task)
                        why = _passing(task)
                        if why:
                            waiting.insert(0, number)  # with a new signature, because the old one may have expired
                            patience.wait(why)
                        else:
                            transfer.etag = task.result()
                            arrived += 1
                            patience.success()
            except BaseException:
                content.over.set()
                raise

    def _put(self, content: "Content", part: dict[str, Any], place: tuple[int, int], progress: Progress) -> str:
        """Send one part, and return the ETag of the answer. If it fails, `progress` takes back what it counted."""
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
            answer = self._storage.put(
                part["url"], content=pieces(), headers=headers, extensions={"trace": self._lines.noticed}
            )
        except BaseException:
            progress(-sent)
            raise
        if not answer.is_success:
            progress(-sent)
            raise httpx.HTTPStatusError(
                f"storage answers {answer.status_code}", request=answer.request, response=answer
            )
        return str(answer.headers.get("ETag", ""))


class Content:
    """The bytes of a file, which several threads read. `over` ends all of them, and so does `stop`."""

    def __init__(self, file: BinaryIO, stop: Event):
        self.over, self._stop = Event(), stop
        self._file, self._one_at_a_time = file, Lock()

    def read(self, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start` on, at least one. Raises Stopped once they have to end."""
        if self.over.is_set() or self._stop.is_set():
            raise Stopped("stopped")
        with self._one_at_a_time:
            self._file.seek(start)
            piece = self._file.read(size)
        if not piece:
            raise Failure(f"{self._file.name} has become shorter while it was sent")
        return piece


def _key(server: str, path: Path, status: os.stat_result, fields: dict[str, Any]) -> str:
    """The name under which a transfer is remembered. A changed file or another wish has another one."""
    return json.dumps([server, str(path.resolve()), status.st_size, status.st_mtime_ns, fields], sort_keys=True)


def _begun(answer: dict[str, Any]) -> Transfer:
    """The transfer that has just begun. Some servers sign its first parts with that answer."""
    plan = _plan(answer["size"], answer["transfer"]["part_size"])
    signed = {part["number"]: part for part in answer["transfer"].get("first", ())}
    return Transfer(answer["id"], plan, list(plan), signed)


def _plan(size: int, part_size: int) -> dict[int, tuple[int, int]]:
    """Where each part begins, and its size, in bytes."""
    starts = range(0, size, part_size)
    return {number: (start, min(part_size, size - start)) for number, start in enumerate(starts, start=1)}


def _passing(task: Future[str]) -> str:
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
