"""A stand-in for Heroku's router in front of dynos: TLS, its headers, its limits and its kept connections.

It runs in a thread of the tests and logs every request. Failed requests have Heroku's codes, as its documentation on
HTTP routing lists them: H12 for an answer that does not begin in time, and so on.
"""

import asyncio
import contextlib
import random
import ssl
import threading
import time
import uuid
from dataclasses import dataclass, field

FIRST_BYTE = 30  # seconds until an answer begins
WINDOW = 55  # seconds between two pieces of a body, in either direction
IDLE = 90  # seconds that a connection to a dyno is kept
BOOT = 75  # seconds that a request waits for a dyno to boot
LINE = 8192  # bytes of a request line or a header
PIECE = 65536
GOODBYE = 2  # seconds for which the rest of a body is read that its answer did not wait for
HOP = {b"connection", b"keep-alive", b"x-forwarded-proto", b"x-forwarded-port", b"x-request-start", b"via"}

Address = tuple[str, int]


class Failed(Exception):
    """A request did not go through; `str()` is the code of the router."""


@dataclass
class Request:
    """One request in the router's log."""

    method: str
    path: str
    status: int = 0
    code: str = ""
    seconds: float = 0
    retry_after: bytes = b""  # the answer's header

    @property
    def failed(self) -> bool:
        """Whether it was lost. A request for which web has no room at present is not: it may come again in seconds."""
        return bool(self.code) or (self.status >= 500 and self.retry_after not in (b"2", b"5"))


@dataclass
class Head:
    """The first line and the headers of a request or an answer."""

    first: bytes
    headers: list[tuple[bytes, bytes]]

    def get(self, name: bytes) -> bytes:
        return next((value for header, value in self.headers if header.lower() == name), b"")

    def lines(self) -> bytes:
        return b"".join(
            [self.first, b"\r\n", *(name + b": " + value + b"\r\n" for name, value in self.headers), b"\r\n"]
        )


@dataclass
class Router:
    """Balances requests over the dynos that it knows. Use as a context manager."""

    port: int
    certificate: str
    key: str
    log: list[Request] = field(default_factory=list)
    dynos: set[Address] = field(default_factory=set)
    idle: dict[Address, list] = field(default_factory=dict)

    def __enter__(self):
        ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self.thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join(10)

    def add(self, dyno: Address) -> None:
        """Send requests there as soon as it listens."""
        self.dynos.add(dyno)

    def remove(self, dyno: Address) -> None:
        """Send no new request there; running ones go on."""
        self.dynos.discard(dyno)

    def failures(self) -> list[Request]:
        return [request for request in self.log if request.failed]

    async def _serve(self, ready: threading.Event) -> None:
        self.loop, self.stopped = asyncio.get_running_loop(), asyncio.Event()
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.certificate, self.key)
        await asyncio.start_server(self._client, "127.0.0.1", self.port, ssl=tls, limit=2 * PIECE, backlog=1000)
        ready.set()
        await self.stopped.wait()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._request(reader, writer):
                pass
        except (OSError, EOFError, TimeoutError):
            pass  # the client went away
        finally:
            writer.close()

    async def _request(self, reader, writer) -> bool:
        """Pass one request on; returns whether the client's connection can carry another."""
        head = await asyncio.wait_for(_head(reader), IDLE)
        method, path, _ = head.first.decode("latin-1").split(" ", 2)
        request = Request(method, path)
        started = time.monotonic()
        try:
            return await self._pass_on(head, request, reader, writer, writer.get_extra_info("peername")[0])
        except Failed as failed:
            request.code, request.status = str(failed), request.status or 503
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return False
        finally:
            request.seconds = time.monotonic() - started
            self.log.append(request)

    async def _pass_on(self, head, request, reader, writer, client) -> bool:
        dyno, (upstream, downstream) = await self._connection()
        forwarded = head.get(b"x-forwarded-for")
        own = [
            (b"X-Forwarded-For", (forwarded + b", " if forwarded else b"") + client.encode()),
            (b"X-Forwarded-Proto", b"https"),
            (b"X-Forwarded-Port", str(self.port).encode()),
            (b"X-Request-Start", str(int(time.time() * 1000)).encode()),
            (b"Via", b"1.1 heroku-router"),
            (b"Connection", b"keep-alive"),
        ]
        if not head.get(b"x-request-id"):
            own.append((b"X-Request-Id", str(uuid.uuid4()).encode()))
        kept = [item for item in head.headers if item[0].lower() not in HOP | {b"x-forwarded-for"}]
        downstream.write(Head(head.first, kept + own).lines())
        sending = asyncio.create_task(_copy_body(head, reader, downstream))
        whole = False
        try:
            answer = await self._answer(upstream, writer)
            request.status = int(answer.first.split(b" ")[1])
            request.retry_after = answer.get(b"retry-after")
            closes = answer.get(b"connection").lower() == b"close"
            answer.headers = [item for item in answer.headers if item[0].lower() not in HOP | {b"via"}]
            if not sending.done():
                answer.headers.append((b"Connection", b"close"))  # what follows belongs to this request
            writer.write(answer.lines())
            try:
                bodiless = request.method == "HEAD" or request.status in (204, 304)
                await _copy_body(answer, upstream, writer, bodiless=bodiless, until_end=True)
            except (OSError, EOFError) as error:
                if writer.is_closing():
                    raise
                raise Failed("H18") from error
            whole = sending.done() and not sending.exception() and not closes
        finally:
            early = not sending.done()
            if early:
                sending.cancel()  # the answer came before the end of the request, so no dyno reads the rest
            with contextlib.suppress(asyncio.CancelledError, OSError, EOFError, TimeoutError):
                await sending
            if whole:
                self.idle.setdefault(dyno, []).append((time.monotonic(), upstream, downstream))
            else:
                downstream.close()
            if early and request.status:
                await _read_on(reader)
        return whole or (closes and sending.done() and not sending.cancelled())

    async def _answer(self, upstream, writer) -> Head:
        deadline = time.monotonic() + FIRST_BYTE
        while True:
            try:
                answer = await asyncio.wait_for(_head(upstream), deadline - time.monotonic())
            except TimeoutError as error:
                raise Failed("H12") from error
            except (OSError, EOFError) as error:
                raise Failed("H13") from error
            if not answer.first.split(b" ")[1].startswith(b"1"):
                return answer
            writer.write(answer.lines())  # 100 Continue
            await writer.drain()

    async def _connection(self):
        """A connection to one of the dynos, a kept one if possible. Waits while no dyno listens."""
        deadline = time.monotonic() + BOOT
        while time.monotonic() < deadline:
            for dyno in random.sample(sorted(self.dynos), len(self.dynos)):
                while kept := self.idle.get(dyno):
                    since, upstream, downstream = kept.pop()
                    if time.monotonic() - since < IDLE and not upstream.at_eof():
                        return dyno, (upstream, downstream)
                    downstream.close()
                try:
                    return dyno, await asyncio.wait_for(asyncio.open_connection(*dyno, limit=2 * PIECE), 5)
                except (OSError, TimeoutError):
                    continue
            await asyncio.sleep(0.1)
        raise Failed("H20")


async def _read_on(reader: asyncio.StreamReader) -> None:
    """Let a client that still sends read its answer, and close its end."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(GOODBYE):
            while await reader.read(PIECE):
                pass


async def _head(reader: asyncio.StreamReader) -> Head:
    first = (await reader.readuntil(b"\r\n"))[:-2]
    headers = []
    while line := (await reader.readuntil(b"\r\n"))[:-2]:
        name, _, value = line.partition(b":")
        headers.append((name, value.strip()))
    return Head(first, headers)


async def _copy_body(head: Head, reader, writer, *, bodiless: bool = False, until_end: bool = False) -> None:
    """Pass the body on as it arrives, in the same encoding."""
    if bodiless:
        left = 0
    elif head.get(b"transfer-encoding").lower() == b"chunked":
        return await _copy_chunks(reader, writer)
    else:
        length = head.get(b"content-length")
        left = int(length) if length else -1 if until_end else 0
    while left:
        piece = await asyncio.wait_for(reader.read(PIECE if left < 0 else min(left, PIECE)), WINDOW)
        if not piece:
            if left > 0:
                raise EOFError
            break
        writer.write(piece)
        await asyncio.wait_for(writer.drain(), WINDOW)
        left -= len(piece) if left > 0 else 0
    await writer.drain()
    return None


async def _copy_chunks(reader, writer) -> None:
    size = -1
    while size:
        line = await asyncio.wait_for(reader.readuntil(b"\r\n"), WINDOW)
        size = int(line.split(b";")[0], 16)
        writer.write(line + await asyncio.wait_for(reader.readexactly(size + 2), WINDOW))
        await asyncio.wait_for(writer.drain(), WINDOW)
