"""A visitor with a browser of another engine than Chromium's: Firefox, and WebKit as Debian has it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.client import ApiClient, Http

from ..conftest import URL, http_client
from . import firefox, webkit
from .engine import Engine, Missing

MiB = 1024 * 1024
AXE = Path(__file__).resolve().parents[3] / "services/assets/node_modules/axe-core/axe.min.js"
FILES = "input[type=file]:not(:disabled, [webkitdirectory], [capture])"
ENGINES = {"firefox": (firefox.Browser, firefox.Firefox), "webkit": (webkit.Browser, webkit.WebKit)}
# Holds back the parts that the page sends to storage, after the first `a` of them, until the test lets them go.
HOLD = """
window.held = [];
const {send} = XMLHttpRequest.prototype;
let left = a;
XMLHttpRequest.prototype.send = function (...content) {
  if (left-- > 0) send.apply(this, content);
  else window.held.push(() => send.apply(this, content));
};
window.letGo = () => { left = Infinity; window.held.splice(0).forEach((go) => go()); };
"""


class Surfer:
    """A person with a browser and a box of their own."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.faults: list[str] = []
        self._began = False

    def open(self, path: str) -> None:
        """Open a page in this tab, and wait until its script has taken the form over."""
        self.go(URL + path)
        self.ready_for_files()

    def go(self, url: str) -> None:
        """Open any address in this tab."""
        self.note_faults()
        self.engine.go(url)

    def reload(self) -> None:
        self.note_faults()
        self.engine.reload()
        self.ready_for_files()

    def ready_for_files(self) -> None:
        self.until(lambda: self.engine.has(".upload-choose"))

    def separate_links(self) -> None:
        """Let each of the files that are chosen together have a link of its own."""
        self.engine.run("document.querySelector('[name=together][value=\"\"]').click()")

    def upload(self, *files: Path) -> None:
        """Choose files. A page with scripts then sends them by itself."""
        self.engine.choose(FILES, files)

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

    def says(self, text: str) -> None:
        """Wait until the form says this."""
        self.until(lambda: text in self.status())

    def hold_parts(self, *, after: int) -> None:
        """From now on let this page send so many parts to storage, and hold back the others."""
        self.engine.run(HOLD, after)

    def let_parts_go(self) -> None:
        self.engine.run("window.letGo()")

    def stored(self) -> list[dict]:
        """The transfers that this browser remembers."""
        return self.engine.run("return JSON.parse(localStorage.getItem('mayfly.transfers') ?? '[]')")

    def uploads(self, kind: str) -> list[dict]:
        """The uploads of this browser's box, by the API."""
        return httpx.get(f"{URL}/api/uploads?kind={kind}", headers=self._token(), timeout=60).json()["uploads"]

    def send_elsewhere(self, name: str, content: bytes = b"hello", **fields: object) -> dict:
        """Put an upload into this browser's box without its page, as another device does."""
        with http_client(base_url=URL, headers=self._token()) as api, http_client() as storage:
            return ApiClient(Http(api, storage)).upload(content, name=name, **fields)

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

    def delete(self, name: str) -> None:
        """Delete an upload by its button on the page, which a read of the list may replace in that very moment."""

        def gone() -> bool:
            with suppress(Missing):
                self.engine.click("button", f"Delete {name}")
            return name not in self.listed()

        self.until(gone)

    def has_no_barrier(self) -> None:
        """Check that axe finds nothing on the page as it is now. The driver loads it, whatever the policy says."""
        found = self.engine.wait_for(
            f"{AXE.read_text()};"
            "const {violations} = await axe.run();"
            "return violations.map(({id, nodes}) => [id, nodes.map(({html}) => html)])"
        )
        assert found == []

    def note_faults(self) -> None:
        """Remember the breaches of the policy, and the errors, of the page that this tab is about to leave."""
        if not self._began:  # its empty page runs no promises if scripts are off
            self._began = True
            return
        seen = self.engine.run("return window.seen ?? {breaches: [], errors: []}")
        self.faults += seen["breaches"] + seen["errors"]

    def _token(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.engine.cookies()['box']}"}


@pytest.fixture(scope="session")
def browsers() -> Iterator[Callable[..., object]]:
    """A function that starts the browser of this name, with scripts or without, once each."""
    with ExitStack() as stack:
        started = {}

        def browser(name: str, *, scripts: bool = True):
            if (name, scripts) not in started:
                started[name, scripts] = ENGINES[name][0](scripts=scripts)
                stack.callback(started[name, scripts].close)
            return started[name, scripts]

        yield browser


@pytest.fixture(params=ENGINES)
def engine(request) -> str:
    """Each engine in turn, by its name."""
    return request.param


@pytest.fixture
def surfer(engine, browsers) -> Iterator[Surfer]:
    """A visitor in this engine. The test fails if a page breaks its policy, or has an error in its console."""
    with visit(ENGINES[engine][1](browsers(engine))) as surfer:
        yield surfer


@pytest.fixture
def surfer_without_scripts(engine, browsers) -> Iterator[Surfer]:
    """A visitor whose browser runs no script of any page."""
    with visit(ENGINES[engine][1](browsers(engine, scripts=False))) as surfer:
        yield surfer


@contextmanager
def visit(engine: Engine) -> Iterator[Surfer]:
    try:
        surfer = Surfer(engine)
        yield surfer
        surfer.note_faults()
        assert surfer.faults == []
        assert engine.console() == []
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
