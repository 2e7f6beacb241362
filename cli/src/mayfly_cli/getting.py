"""Get what is behind a link into files, and go on where an earlier attempt ended."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO
from urllib.parse import urljoin

import httpx

from . import __version__
from .errors import Failure, Refused
from .passwords import Passwords
from .server import Patience, code_of, words_of
from .values import Address, apart, safe_name

_TIMEOUT = httpx.Timeout(60, connect=15)
_GONE = "This upload is no longer here."
_NEVER = "There is no upload at this link."
# Programs get errors as JSON, and the contents of a bundle.
_PROGRAM = {"Accept": "application/json"}
# The server's words for a link that wants a password, another one, or a POST.
_PROTECTED = ("locked", "wrong_password", "unconfirmed")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class File:
    """A file behind a link. Name and size are known beforehand if it is in a bundle.

    `target` is the file or folder to write to, or None for this folder. `is_direct` means that the link itself gives
    the bytes, as that of a ZIP does.
    """

    id: str
    link: str
    target: Path | None
    name: str = ""
    size: int | None = None
    is_direct: bool = False


class Visit:
    """A visitor of one link, with the cookies that a browser would keep. Use as a context manager."""

    def __init__(self, server: str, address: Address, *, patience: Patience, passwords: Passwords):
        self._server, self._address = server, address
        self._patience, self._passwords = patience, passwords
        self._http = httpx.Client(timeout=_TIMEOUT, headers={"User-Agent": f"mayfly-cli/{__version__}"})

    def __enter__(self) -> "Visit":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def files(self, target: Path | None, *, as_zip: bool = False) -> list[File]:
        """The one file of an upload, or those of a bundle. Raises Failure and its kinds.

        A bundle with a limit comes as its ZIP, which counts as one download where each of its files may count.
        """
        address = self._address
        if address.may_be_upload and (not address.may_be_bundle or self._is_upload()):
            return [File(address.id, self._download(address.id), target)]
        page = self._page(f"{self._server}/b/{address.id}/")
        if page["zip"] and (as_zip or page["downloads"]):
            is_open = not page["downloads"] and not page["password"]
            return [File(address.id, page["zip"], target, is_direct=is_open)]
        if as_zip:
            raise Failure("this bundle is too large for a ZIP: leave --zip out")
        folder = target or Path(safe_name(page["title"] or f"mayfly {address.id[:6]}"))
        uploads = page["uploads"]
        names = apart([safe_name(upload["name"]) for upload in uploads])
        found = []
        for upload, name in zip(uploads, names, strict=True):
            link = self._download(upload["id"])
            found.append(File(upload["id"], link, folder / name, name, upload["size"]))
        return found

    def get(self, file: File, *, overwrite: bool, progress: Progress) -> Path:
        """Download a file under the name that it has. Returns the written file.

        `progress` is called with the bytes that are here and the bytes in all. An existing file stays unless
        `overwrite`. One of a bundle that is whole is not downloaded again. Raises Failure and its kinds.
        """
        target = file.target
        if target and file.size is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not overwrite and target.is_file() and target.stat().st_size == file.size:
                return target
        folder = target.parent if target and not target.is_dir() else target or Path()
        draft = folder / f".{file.id}.part"
        way = _Way(self._http, file, self._passwords)
        with open(os.open(draft, os.O_RDWR | os.O_CREAT, 0o600), "ab") as out:
            name = self._whole(way, out, progress)
        written = target if target and not target.is_dir() else folder / safe_name(name)
        if written.exists() and not overwrite:
            raise Failure(f"{written} is there already: choose another name with --output, or use --force")
        os.replace(draft, written)
        return written

    def _whole(self, way: "_Way", out: BinaryIO, progress: Progress) -> str:
        """Append what `out` lacks, in as many attempts as it takes. Returns the name of the upload."""
        while True:
            try:
                return self._receive(way, out, progress)
            except httpx.TransportError as error:
                self._patience.wait(f"the download broke off: {error}")
            except _Away as away:
                self._patience.wait(str(away), least=away.seconds)

    def _receive(self, way: "_Way", out: BinaryIO, progress: Progress) -> str:
        here = out.seek(0, os.SEEK_END)
        headers = {"Range": f"bytes={here}-"} if here else {}
        with self._http.stream("GET", way.to_bytes(headers), headers=headers) as answer:
            if answer.status_code == 416:  # all of it is here
                return _name(self._http.get(way.to_bytes(headers), headers={"Range": "bytes=0-0"}))
            if answer.status_code in (403, 404, 405):
                way.forget()
                raise _Away(f"storage answers {answer.status_code}")  # the URL has expired, or the upload
            if not answer.is_success:
                answer.read()
                _check(answer)
            if answer.status_code == 200 and here:  # no ranges: begin anew
                out.truncate(here := 0)
            total = here + int(answer.headers.get("Content-Length", "0"))
            for piece in answer.iter_raw(256 * 1024):
                self._patience.success()
                out.write(piece)
                here += len(piece)
                progress(here, total)
            out.flush()
            if here < total:
                raise httpx.ReadError("the connection closed early")
            return _name(answer)

    def _download(self, upload: str) -> str:
        return f"{self._server}/u/{upload}/download"

    def _is_upload(self) -> bool:
        """Whether a bare id is that of an upload."""
        try:
            self._asked(f"{self._server}/u/{self._address.id}/")
        except Refused as refused:
            return refused.http != 404
        return True

    def _page(self, url: str) -> dict[str, Any]:
        """The answer of a page to a program, which is JSON."""
        answer = self._asked(url)
        try:
            page = answer.json()
        except ValueError:
            page = None
        if not isinstance(page, dict) or "uploads" not in page:
            raise Failure(f"{self._server} does not say what is in a bundle")
        return page

    def _asked(self, url: str) -> httpx.Response:
        """The answer to a question that does not count as a download, asked again while the server is away."""
        while True:
            try:
                answer = self._http.get(url, headers=_PROGRAM)
                while code_of(answer) in ("locked", "wrong_password"):
                    answer = self._unlocked(url, self._passwords.next())
                _check(answer)
            except httpx.TransportError as error:
                self._patience.wait(f"{self._server} cannot be reached: {error}")
            except _Away as away:
                self._patience.wait(str(away), least=away.seconds)
            else:
                return answer

    def _unlocked(self, url: str, password: str) -> httpx.Response:
        """The page at `url` by this password: the form there brings a cookie that opens all that is behind the link."""
        self._http.get(url, headers={"Accept": "text/html"})
        token = next((cookie.value for cookie in self._http.cookies.jar if cookie.name.endswith("csrftoken")), None)
        headers = _PROGRAM | {"X-CSRFToken": token or "", "Origin": self._server}
        answer = self._http.post(f"{url}open", data={"password": password}, headers=headers)
        return self._http.get(url, headers=_PROGRAM) if answer.is_redirect else answer


class _Way:
    """The way from a link to the URL of its bytes, which storage accepts for a minute.

    A link with a password or a limit is asked by POST. That may take one of its downloads, so the URL is kept until
    storage refuses it.
    """

    def __init__(self, http: httpx.Client, file: File, passwords: Passwords):
        self._http, self._link, self._passwords = http, file.link, passwords
        self._password, self._kept = "", file.link if file.is_direct else ""

    def to_bytes(self, headers: dict[str, str]) -> str:
        """The URL of the bytes. `headers` say whether this is the rest of a download, which does not count again."""
        if self._kept:
            return self._kept
        answer = self._http.get(self._link, headers=headers | _PROGRAM)
        if code_of(answer) in _PROTECTED:
            answer = self._confirmed(answer)
            if answer.is_redirect:
                self._kept = urljoin(self._link, answer.headers["Location"])
        if not answer.is_redirect:
            _check(answer)
            raise Refused(f"The server answers {answer.status_code}.", http=answer.status_code)
        return urljoin(self._link, answer.headers["Location"])

    def forget(self) -> None:
        """Ask for another URL the next time."""
        self._kept = ""

    def _confirmed(self, answer: httpx.Response) -> httpx.Response:
        """The answer to a POST, with a password if the link has one."""
        while (code := code_of(answer)) in _PROTECTED:
            if code == "wrong_password" or (code == "locked" and not self._password):
                self._password = self._passwords.next()
            fields = {"password": self._password} if self._password else {}
            answer = self._http.post(self._link, data=fields, headers=_PROGRAM)
        return answer


class _Away(Exception):
    def __init__(self, words: str, *, seconds: float = 0.0):
        super().__init__(words)
        self.seconds = seconds


def _check(answer: httpx.Response) -> None:
    """Raises _Away for an answer that may differ later, and Refused for one that does not."""
    status = answer.status_code
    if status in (200, 206):
        return
    if status in (404, 410):
        raise Refused(_GONE if status == 410 else _NEVER, http=status)
    if status in (408, 429, 500, 502, 503, 504):
        again = answer.headers.get("Retry-After", "")
        seconds = float(again) if again.isdigit() else 0.0
        raise _Away(words_of(answer) or f"the server answers {status}", seconds=seconds)
    raise Refused(words_of(answer) or f"The server answers {status}.", http=status)


def _name(answer: httpx.Response) -> str:
    """The name in Content-Disposition, by the rules of RFC 6266."""
    message = Message()
    message["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    return message.get_filename() or ""
