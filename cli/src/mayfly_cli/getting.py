"""Get the bytes of a link into a file, and go on where an earlier attempt ended."""

import os
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import BinaryIO

import httpx

from . import __version__
from .errors import Failure, Refused
from .server import Patience
from .values import safe_name

_TIMEOUT = httpx.Timeout(60, connect=15)
_GONE = "This upload is no longer here."
_NEVER = "There is no upload at this link."


def get(
    link: str,
    upload: str,
    target: Path | None,
    *,
    overwrite: bool,
    patience: Patience,
    progress: Callable[[int, int], None],
) -> Path:
    """Download an upload into `target`, or into this folder under the name that it has. Returns the file.

    `progress` is called with the bytes that are here and the bytes in all. An existing file stays unless `overwrite`.
    Raises Failure and its kinds.
    """
    folder = target.parent if target and not target.is_dir() else target or Path()
    draft = folder / f".{upload}.part"
    with (
        httpx.Client(timeout=_TIMEOUT, headers={"User-Agent": f"mayfly-cli/{__version__}"}) as http,
        open(os.open(draft, os.O_RDWR | os.O_CREAT, 0o600), "ab") as out,
    ):
        while True:
            try:
                name = _receive(http, link, out, patience, progress)
                break
            except httpx.TransportError as error:
                patience.wait(f"the download broke off: {error}")
            except _Away as away:
                patience.wait(str(away), least=away.seconds)
    file = target if target and not target.is_dir() else folder / safe_name(name)
    if file.exists() and not overwrite:
        raise Failure(f"{file} is there already: choose another name with --output, or use --force")
    os.replace(draft, file)
    return file


class _Away(Exception):
    def __init__(self, words: str, *, seconds: float):
        super().__init__(words)
        self.seconds = seconds


def _receive(
    http: httpx.Client, link: str, out: BinaryIO, patience: Patience, progress: Callable[[int, int], None]
) -> str:
    """Append to `out` what it lacks. Returns the name of the upload."""
    here = out.seek(0, os.SEEK_END)
    headers = {"Range": f"bytes={here}-"} if here else {}
    with http.stream("GET", f"{link}/download", headers=headers, follow_redirects=True) as answer:
        if answer.status_code == 416:  # all of it is here
            return _name(http.head(f"{link}/download", follow_redirects=True))
        _check(answer)
        if answer.status_code == 200 and here:  # no ranges: begin anew
            out.truncate(here := 0)
        total = here + int(answer.headers.get("Content-Length", "0"))
        for piece in answer.iter_raw(256 * 1024):
            patience.success()
            out.write(piece)
            here += len(piece)
            progress(here, total)
        out.flush()
        if here < total:
            raise httpx.ReadError("the connection closed early")
        return _name(answer)


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if status in (200, 206):
        return
    if status in (404, 410):
        raise Refused(_GONE if status == 410 else _NEVER, http=status)
    if status in (403, 408, 429, 500, 502, 503, 504):  # 403: the signature expired on the way
        again = answer.headers.get("Retry-After", "")
        raise _Away(f"the server answers {status}", seconds=float(again) if again.isdigit() else 0.0)
    raise Refused(f"The server answers {status}.", http=status)


def _name(answer: httpx.Response) -> str:
    """The name in Content-Disposition, by the rules of RFC 6266."""
    message = Message()
    message["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    return message.get_filename() or ""
