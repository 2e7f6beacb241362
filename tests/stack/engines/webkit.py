"""WebKitGTK's MiniBrowser, driven by WebKitWebDriver: https://www.w3.org/TR/webdriver2/."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.support.ports import free_port

from .engine import REPLACED, WATCH, Engine, Missing

SECONDS = 60  # for each command
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name that the standard gives to a reference


class Programs(NamedTuple):
    driver: str
    browser: str
    screen: str


def programs() -> Programs:
    """The paths of the driver, the browser and Xvfb. Ends the process with a sentence if one is missing."""
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    browsers = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    if not (driver and screen and browsers):
        sys.exit("These tests need WebKitGTK: apt-get install webkit2gtk-driver xvfb")
    return Programs(driver, str(browsers[-1]), screen)


class Browser:
    """The driver and a screen for all tests, with or without scripts in pages; each visit is a browser of its own."""

    def __init__(self, *, scripts: bool):
        found = programs()
        self.scripts = scripts
        # The scripts of the driver run all the same.
        arguments = ["--automation", f"--enable-javascript-markup={str(scripts).lower()}"]
        self.options = {"binary": found.browser, "args": arguments}
        self._processes: list[subprocess.Popen] = []
        try:
            display = self._screen(found.screen)
            environment = os.environ | {
                "DISPLAY": f":{display}",
                "GDK_BACKEND": "x11",
                "LIBGL_ALWAYS_SOFTWARE": "1",
                "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
                # Its sandbox needs namespaces, which a container does not give. It opens our pages alone.
                "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
            }
            self.http = self._driver(found.driver, environment)
        except BaseException:
            self.close()
            raise

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Send a command and return its result. May raise Missing."""
        answer = self.http.request(method, path, json=body if method == "POST" else None)
        value = answer.json()["value"]
        if answer.is_error and value["error"] in REPLACED:
            raise Missing(value["message"])
        assert answer.is_success, f"{path}: {value['error']}: {value['message']}"
        return value

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait(20)

    def _screen(self, program: str) -> int:
        """Start a screen that nothing shows; returns its number."""
        read, write = os.pipe()
        command = [program, "-displayfd", str(write), "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]
        self._processes.append(
            subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        os.close(write)
        with os.fdopen(read) as number:
            said = number.readline()
        assert said, "Xvfb has ended"
        return int(said)

    def _driver(self, program: str, environment: dict[str, str]) -> httpx.Client:
        port = free_port()
        self._processes.append(
            subprocess.Popen([program, f"--port={port}"], env=environment, stdout=subprocess.DEVNULL)
        )
        http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS, trust_env=False)
        end = time.monotonic() + SECONDS
        while True:
            try:
                http.get("/status").raise_for_status()
            except httpx.HTTPError:
                assert time.monotonic() < end, "WebKitWebDriver does not answer"
                time.sleep(0.1)
            else:
                return http


class WebKit(Engine):
    name = "webkit"

    def __init__(self, browser: Browser):
        self._browser = browser
        wanted = {"webkitgtk:browserOptions": browser.options, "unhandledPromptBehavior": "accept"}
        session = browser.ask("POST", "/session", capabilities={"alwaysMatch": wanted})
        self._session = f"/session/{session['sessionId']}"
        self._ask("POST", "/timeouts", script=SECONDS * 1000)
        self._ask("POST", "/window/rect", width=1280, height=900)
        self._tab = self._ask("GET", "/window")

    @property
    def tab(self) -> str:
        return self._tab

    def go(self, url: str) -> None:
        self._ask("POST", "/url", url=url)
        self._watch()

    def reload(self) -> None:
        self._ask("POST", "/refresh")
        self._watch()

    def new_tab(self) -> str:
        tab = self._ask("POST", "/window/new", type="tab")["handle"]
        self.switch(tab)
        return tab

    def switch(self, tab: str) -> None:
        self._ask("POST", "/window", handle=tab)
        self._tab = tab

    def cookies(self) -> dict[str, str]:
        return {cookie["name"]: cookie["value"] for cookie in self._ask("GET", "/cookie")}

    def console(self) -> list[str]:
        return []  # the driver does not show it; WATCH notes what it can

    def close(self) -> None:
        self._ask("DELETE", "")

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        return self._browser.ask(method, self._session + path, **body)

    def _watch(self) -> None:
        self._ask("POST", "/execute/sync", script=WATCH, args=[])

    def _evaluate(self, expression: str) -> str:
        return self._ask("POST", "/execute/sync", script=f"return {expression}", args=[])

    def _await(self, expression: str) -> str:
        script = f"const done = arguments[0]; ({expression}).then(done, (fault) => done(`\\0${{fault}}`))"
        value = self._ask("POST", "/execute/async", script=script, args=[])
        assert not value.startswith("\0"), value
        return value

    def _element(self, expression: str) -> str:
        element = self._ask("POST", "/execute/sync", script=f"return {expression}", args=[])
        if element is None:
            raise Missing(expression)
        return element[ELEMENT]

    def _press(self, expression: str) -> None:
        if self._browser.scripts:
            return self._ask("POST", f"/element/{self._element(expression)}/click")
        # The driver's click needs scripts. A call of the element's own does what a click does, without a mouse.
        return self.run(f"({expression}).click()")

    def _choose(self, expression: str, files: Sequence[Path]) -> None:
        names = "\n".join(str(file) for file in files)
        self._ask("POST", f"/element/{self._element(expression)}/value", text=names)
