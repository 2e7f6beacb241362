"""The API of one server, with the token of one box."""

import secrets
import time
from collections.abc import Callable
from threading import Event
from typing import Any

import httpx

from . import __version__
from .errors import Refused, Stopped, Unreachable
from .lines import Lines

# The server's own answers come within 30 s, which is the limit of its router.
_TIMEOUT = httpx.Timeout(35, connect=10)
# Seconds without any success after which a command gives up. A train is through most tunnels by then.
PATIENCE = 300.0
LONGEST_PAUSE = 30.0
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class Patience:
    """Waits longer from failure to failure, and gives up if nothing has succeeded for `seconds`."""

    def __init__(self, seconds: float = PATIENCE, *, stop: Event | None = None):
        self._seconds, self._stop = seconds, stop or Event()
        self._since: float | None = None
        self._pause = 0.5

    def success(self) -> None:
        self._since, self._pause = None, 0.5

    def wait(self, why: str, *, least: float = 0.0) -> None:
        """Wait before the next attempt, at least `least` seconds. Raises Unreachable, and Stopped after Ctrl-C."""
        now = time.monotonic()
        self._since = self._since or now
        pause = min(max(self._pause, least), LONGEST_PAUSE)
        if now + pause - self._since > self._seconds:
            raise Unreachable(why)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        if self._stop.wait(pause):
            raise Stopped("stopped")


class Server:
    """Calls of the API. Each is tried again while the server is busy or away, for up to `patience` seconds.

    `keep` is called with the token of the box whenever the server gives one.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        keep: Callable[[str], None] = lambda token: None,
        patience: float = PATIENCE,
    ):
        self.url = url.rstrip("/")
        self.stop = Event()
        self.lines = Lines()
        self.patience = patience
        self._keep = keep
        self._http = httpx.Client(
            base_url=self.url, timeout=_TIMEOUT, headers={"User-Agent": f"mayfly-cli/{__version__}"}
        )
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        self._http.close()

    def begin(self, **fields: Any) -> dict[str, Any]:
        """Begin an upload. If the answer is lost, the server knows the next attempt by its key as the same begin."""
        return self._begun("/api/uploads", fields)

    def sign(self, upload: str, numbers: list[int]) -> list[dict[str, Any]]:
        return list(self._json("POST", f"/api/uploads/{upload}/parts", json={"numbers": numbers})["parts"])

    def arrived(self, upload: str) -> list[dict[str, Any]]:
        return list(self._json("GET", f"/api/uploads/{upload}/parts")["parts"])

    def complete(self, upload: str, etag: str = "") -> dict[str, Any]:
        """Complete an upload. `etag` is storage's answer to an only part. Raises Refused with `missing` parts."""
        return self._json("POST", f"/api/uploads/{upload}/complete", json={"etag": etag} if etag else {})

    def upload(self, upload: str) -> dict[str, Any]:
        return self._json("GET", f"/api/uploads/{upload}")

    def uploads(self, kind: str | None) -> list[dict[str, Any]]:
        """All live uploads of the box, newest first, over all pages."""
        return self._pages("/api/uploads", "uploads", {"kind": kind} if kind else {})

    def begin_bundle(self, **fields: Any) -> dict[str, Any]:
        """Begin a bundle, as `begin` does an upload."""
        return self._begun("/api/bundles", fields)

    def complete_bundle(self, bundle: str) -> dict[str, Any]:
        return self._json("POST", f"/api/bundles/{bundle}/complete", json={})

    def bundle(self, bundle: str) -> dict[str, Any]:
        return self._json("GET", f"/api/bundles/{bundle}")

    def bundles(self) -> list[dict[str, Any]]:
        """All bundles of the box that are open or have live uploads, newest first; none if the server knows none."""
        try:
            return self._pages("/api/bundles", "bundles", {})
        except Refused as refused:
            if refused.http == 404:
                return []
            raise

    def remove_bundle(self, bundle: str) -> int:
        """Remove a bundle with its uploads. Returns how many of them storage still removes."""
        return self._removed(self._call("DELETE", f"/api/bundles/{bundle}"))

    def remove(self, upload: str) -> int:
        """Remove an upload. Returns how many uploads storage still removes."""
        return self._removed(self._call("DELETE", f"/api/uploads/{upload}"))

    def clear(self, kind: str | None) -> int:
        return self._removed(self._call("DELETE", "/api/uploads", params={"kind": kind} if kind else {}))

    def _begun(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        wishes = {name: value for name, value in fields.items() if value is not None}
        begun = self._json("POST", path, json=wishes, headers=_once())
        if begun.get("box"):
            self._http.headers["Authorization"] = f"Bearer {begun['box']}"
            self._keep(begun["box"])
        return begun

    def _pages(self, path: str, name: str, query: dict[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self._json("GET", path, params=query)
            found += page[name]
            if not page["next"]:
                return found
            query = query | {"cursor": page["next"]}

    def _removed(self, answer: httpx.Response) -> int:
        return int(answer.headers.get("X-Being-Deleted", "0"))

    def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._call(method, path, **more)
        try:
            result = answer.json()
        except ValueError:
            result = None
        if not isinstance(result, dict):
            raise Refused(f"{self.url} is no Mayfly server: it does not answer in JSON", http=answer.status_code)
        return result

    def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        patience = Patience(self.patience, stop=self.stop)
        while True:
            least = 0.0
            try:
                answer = self._http.request(method, path, extensions={"trace": self.lines.noticed}, **more)
            except httpx.TransportError as error:
                why = f"{self.url} cannot be reached: {error}"
            else:
                if not _passes(answer):
                    return self._checked(answer)
                least = _seconds(answer.headers.get("Retry-After", ""))
                why = words_of(answer) or f"{self.url} answers {answer.status_code}"
                if answer.status_code == 429 and least > LONGEST_PAUSE:
                    raise Refused(why, http=429, code=code_of(answer))
            patience.wait(why, least=least)

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        if answer.is_redirect:
            target = answer.headers.get("Location", "")
            raise Refused(f"{self.url} redirects to {target}: use that address", http=answer.status_code)
        error = _error(answer)
        raise Refused(
            words_of(answer) or f"{self.url} answers {answer.status_code}",
            http=answer.status_code,
            code=code_of(answer),
            missing=tuple(error.get("missing") or ()),
        )


def _passes(answer: httpx.Response) -> bool:
    """Whether the same call may be answered differently later."""
    # 202: the parts are being put together. 409: an earlier attempt of this call is still at work.
    return answer.status_code in _AGAIN or (answer.status_code in (202, 409) and "Retry-After" in answer.headers)


def _once() -> dict[str, str]:
    """A header by which a server recognizes the attempts of one call."""
    return {"Idempotency-Key": secrets.token_urlsafe(16)}


def _error(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer of the API, or {} if it is none."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}


def words_of(answer: httpx.Response) -> str:
    """The message of an error of the server, or "" if the answer is none."""
    return str(_error(answer).get("message") or "")


def code_of(answer: httpx.Response) -> str:
    """The word of an error of the server for its reason, or "" if the answer is none."""
    return str(_error(answer).get("code") or "")


def _seconds(text: str) -> float:
    """The value of Retry-After in seconds; 0 if it is a date or missing."""
    return float(text) if text.isdigit() else 0.0
