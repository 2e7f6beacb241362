"""A visitor with a browser of another engine than Chromium's: Firefox, and WebKit as Debian has it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from ..conftest import URL
from . import firefox, webkit
from .engine import Engine, Missing

MiB = 1024 * 1024
FILES = "input[type=file]:not(:disabled, [webkitdirectory], [capture])"
UPLOAD = ".uppy-StatusBar-actionBtn--upload"
ENGINES = {"firefox": (firefox.Browser, firefox.Firefox), "webkit": (webkit.Browser, webkit.WebKit)}


class Surfer:
    """A person with a browser and a box of their own."""

    def __init__(self, engine: Engine):
        self.engine = engine

    def open(self, path: str) -> None:
        """Open a page in this tab, and wait until its script has taken the form over."""
        self.engine.go(URL + path)
        self.ready_for_files()

    def ready_for_files(self) -> None:
        self.until(lambda: self.engine.has(".uppy-Dashboard-inner"))

    def choose(self, *files: Path) -> None:
        self.engine.choose(FILES, files)

    def upload(self, *files: Path) -> None:
        """Choose files, and press the button that sends them if the page asks for it."""
        before = len(self.ready())
        self.choose(*files)
        self.until(lambda: self.engine.has(UPLOAD) or self._begun(before))
        if self.engine.has(UPLOAD):
            self.engine.click(UPLOAD)

    def see(self, name: str, *, seconds: float = 60) -> None:
        """Wait until the page lists an upload of this name."""
        self.until(lambda: name in self.listed(), seconds=seconds)

    def listed(self) -> list[str]:
        """The names that the page lists, in its order."""
        return self.engine.run(
            "return [...document.querySelectorAll('#uploads a[id^=share-]')].map((it) => it.textContent.trim())"
        )

    def ready(self) -> list[dict]:
        """The uploads that the page has announced as ready."""
        return self.engine.run("return window.seen.ready")

    def status(self) -> str:
        """All that the form says about uploads under way."""
        return self.engine.text(".upload-status")

    def uploads(self, kind: str) -> list[dict]:
        """The uploads of this browser's box, by the API."""
        return httpx.get(f"{URL}/api/uploads?kind={kind}", headers=self._token(), timeout=60).json()["uploads"]

    def send_elsewhere(self, name: str, content: bytes = b"hello", **fields: object) -> dict:
        """Put an upload into this browser's box without its page, as another device does."""
        with httpx.Client(base_url=f"{URL}/api/uploads", headers=self._token(), timeout=60) as api:
            wish = {"kind": "file", "name": name, "size": len(content)} | fields
            upload = api.post("", json=wish).raise_for_status().json()
            [part] = api.post(f"/{upload['id']}/parts", json={"numbers": [1]}).json()["parts"]
            httpx.put(part["url"], content=content, timeout=60).raise_for_status()
            return api.post(f"/{upload['id']}/complete").raise_for_status().json()

    def until(self, true: Callable[[], object], *, seconds: float = 30) -> None:
        """Wait until `true()`. Fails after `seconds`, with what the page shows then."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"not within {seconds} s: {self.engine.text('main')}"
            time.sleep(0.1)

    def click(self, css: str, text: str = "") -> None:
        """Click an element as soon as there is one."""

        def clicked() -> bool:
            try:
                self.engine.click(css, text)
            except Missing:
                return False
            return True

        self.until(clicked)

    def _begun(self, before: int) -> bool:
        return bool(self.engine.text(".upload-line [role=status]")) or len(self.ready()) > before

    def _token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.engine.cookies()['box']}"}


@pytest.fixture(scope="session")
def browsers() -> Iterator[Callable[[str], object]]:
    """A function that starts the browser of this name, once."""
    with ExitStack() as stack:
        started = {}

        def browser(name: str):
            if name not in started:
                started[name] = ENGINES[name][0]()
                stack.callback(started[name].close)
            return started[name]

        yield browser


@pytest.fixture(params=ENGINES)
def engine(request, browsers) -> str:
    """Each engine in turn, by its name."""
    return request.param


@pytest.fixture
def surfer(engine, browsers) -> Iterator[Surfer]:
    """A visitor in this engine. The test fails if a page breaks its policy, or has an error in its console."""
    with visit(ENGINES[engine][1](browsers(engine))) as surfer:
        yield surfer


@contextmanager
def visit(engine: Engine) -> Iterator[Surfer]:
    try:
        yield Surfer(engine)
        seen = engine.run("return window.seen ?? {breaches: [], errors: []}")
        assert not seen["breaches"]
        assert not seen["errors"]
        assert not engine.console()
    finally:
        engine.close()


@pytest.fixture
def make(tmp_path) -> Callable[..., Path]:
    """A function that makes a file of random or given bytes: `make("film.mp4", 20 * MiB)`."""

    def file(name: str, content: int | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(random.randbytes(content) if isinstance(content, int) else content)
        return path

    return file
