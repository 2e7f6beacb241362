"""Firefox, driven by WebDriver BiDi, which it speaks by itself: https://www.w3.org/TR/webdriver-bidi/."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

from websockets.sync.client import ClientConnection, connect

from .engine import REPLACED, WATCH, Engine, Missing

SECONDS = 60  # for each command
# Nothing of its own leaves the machine, and no page of its own comes up.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "browser.aboutwelcome.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.disable_open_during_load": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "en",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 0,
    "remote.active-protocols": 1,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


def program() -> str:
    """The path of Firefox. Ends the process with a sentence if there is none."""
    found = shutil.which("firefox-esr") or shutil.which("firefox")
    return found or sys.exit("These tests need Firefox: apt-get install firefox-esr")


class Browser:
    """One Firefox for all tests, with or without scripts in its pages; each visit has a context of its own in it."""

    def __init__(self, *, scripts: bool):
        self._stack = ExitStack()
        folder = tempfile.TemporaryDirectory(prefix="mayfly-firefox-", ignore_cleanup_errors=True)
        profile = Path(self._stack.enter_context(folder))
        preferences = PREFERENCES | {"javascript.enabled": scripts}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (profile / "user.js").write_text("".join(lines))
        self._process = subprocess.Popen(
            [program(), "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(self._end)
        self._last = 0
        self.errors: dict[str, list[str]] = {}
        try:
            self._socket = self._stack.enter_context(self._connect())
            prompts = {"unhandledPromptBehavior": {"default": "accept", "beforeUnload": "accept"}}
            self.version = self.ask("session.new", capabilities={"alwaysMatch": prompts})["capabilities"][
                "browserVersion"
            ]
            self.ask("session.subscribe", events=["log.entryAdded"])
        except BaseException:
            self.close()
            raise

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send a command and return its result. Notes the errors of pages that come meanwhile. May raise Missing."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=SECONDS))
            if message.get("id") == self._last:
                if message.get("error") in REPLACED:
                    raise Missing(message["message"])
                assert message["type"] == "success", f"{method}: {message['error']}: {message['message']}"
                return message["result"]
            if message.get("method") == "log.entryAdded":
                self._note(message["params"])

    def close(self) -> None:
        self._stack.close()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def _connect(self) -> ClientConnection:
        said = deque(maxlen=20)
        for line in self._process.stderr:
            said.append(line)
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                # It has more to say later, and would stop once that fills the pipe.
                Thread(target=deque, args=(self._process.stderr, 0), daemon=True).start()
                return connect(f"{found[1]}/session", max_size=None, proxy=None)
        raise AssertionError(f"Firefox has ended: {''.join(said)}")

    def _note(self, entry: dict) -> None:
        if entry["level"] == "error":
            self.errors.setdefault(entry["source"].get("context", ""), []).append(str(entry["text"]))


class Firefox(Engine):
    name = "firefox"

    def __init__(self, browser: Browser):
        self._browser = browser
        self._user = browser.ask("browser.createUserContext")["userContext"]
        browser.ask("script.addPreloadScript", functionDeclaration=f"() => {{ {WATCH} }}", userContexts=[self._user])
        self._tabs: list[str] = []
        self._tab = self.new_tab()

    @property
    def tab(self) -> str:
        return self._tab

    def go(self, url: str) -> None:
        self._ask("browsingContext.navigate", url=url, wait="complete")

    def reload(self) -> None:
        self._ask("browsingContext.reload", wait="complete")

    def new_tab(self) -> str:
        self._tab = self._browser.ask("browsingContext.create", type="tab", userContext=self._user)["context"]
        self._tabs.append(self._tab)
        self.switch(self._tab)
        return self._tab

    def switch(self, tab: str) -> None:
        self._tab = tab
        self._ask("browsingContext.activate")

    def cookies(self) -> dict[str, str]:
        partition = {"type": "context", "context": self._tab}
        found = self._browser.ask("storage.getCookies", partition=partition)["cookies"]
        return {cookie["name"]: cookie["value"]["value"] for cookie in found}

    def console(self) -> list[str]:
        return [error for tab in self._tabs for error in self._browser.errors.get(tab, ())]

    def close(self) -> None:
        self._browser.ask("browser.removeUserContext", userContext=self._user)

    def _ask(self, method: str, **parameters: Any) -> Any:
        return self._browser.ask(method, context=self._tab, **parameters)

    def _result(self, expression: str) -> dict:
        answer = self._browser.ask(
            "script.evaluate",
            expression=expression,
            target={"context": self._tab},
            awaitPromise=True,
            userActivation=False,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return answer["result"]

    def _evaluate(self, expression: str) -> str:
        return self._result(expression)["value"]

    _await = _evaluate  # either way, the browser waits for a promise

    def _node(self, expression: str) -> dict:
        node = self._result(expression)
        if "sharedId" not in node:
            raise Missing(expression)
        return {"sharedId": node["sharedId"]}

    def _press(self, expression: str) -> None:
        origin = {"type": "element", "element": self._node(expression)}
        steps = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._ask("input.performActions", actions=[{"type": "pointer", "id": "mouse", "actions": steps}])

    def _choose(self, expression: str, files: Sequence[Path]) -> None:
        self._ask("input.setFiles", element=self._node(expression), files=[str(file) for file in files])
