"""A browser as tests use it, whatever its engine: it opens pages, runs scripts in them, clicks and chooses files."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Runs in each page before the test goes on. It records what no page of ours may have, and what tests ask for. Where an
# engine lets no script run before those of the page, the observer brings the breaches that came before it.
WATCH = """
if (!window.seen) {
  window.seen = {breaches: [], errors: [], ready: []};
  const breach = ({effectiveDirective, blockedURL, sourceFile, lineNumber}) =>
    window.seen.breaches.push(`${effectiveDirective} ${blockedURL} ${sourceFile}:${lineNumber}`);
  new ReportingObserver((reports) => reports.forEach(({body}) => breach(body)), {
    types: ["csp-violation"], buffered: true}).observe();
  addEventListener("error", ({message}) => window.seen.errors.push(message));
  addEventListener("unhandledrejection", ({reason}) => window.seen.errors.push(String(reason)));
  const {error} = console;
  console.error = (...words) => { window.seen.errors.push(words.map(String).join(" ")); error(...words); };
  document.addEventListener("mayfly:ready", ({detail}) => window.seen.ready.push(detail));
}
"""


class Missing(Exception):
    """The page has no such element now, or has just put another one in its place."""


# Names of errors by which a driver says that.
REPLACED = {
    "element not interactable",
    "move target out of bounds",
    "no such element",
    "no such node",
    "stale element reference",
}


class Engine(ABC):
    """A browser with one visitor: a box, storage and cookies of its own. Commands go to the tab in front."""

    name: str

    @abstractmethod
    def go(self, url: str) -> None:
        """Open this address, and wait until the page has loaded."""

    @abstractmethod
    def reload(self) -> None:
        """As the visitor's button does; leaves the page even if it asks to stay."""

    @abstractmethod
    def new_tab(self) -> str:
        """Open a tab, put it in front and return its name."""

    @abstractmethod
    def switch(self, tab: str) -> None:
        """Put this tab in front."""

    @property
    @abstractmethod
    def tab(self) -> str:
        """The name of the tab in front."""

    @abstractmethod
    def cookies(self) -> dict[str, str]:
        """The values of the cookies of this tab's site, by name."""

    @abstractmethod
    def console(self) -> list[str]:
        """The errors in the console so far, as far as the engine shows them to a driver."""

    @abstractmethod
    def close(self) -> None:
        """End this visit; nothing of it is kept."""

    @abstractmethod
    def _evaluate(self, expression: str) -> str:
        """The string that this expression gives."""

    @abstractmethod
    def _await(self, expression: str) -> str:
        """The string to which the promise of this expression resolves."""

    @abstractmethod
    def _press(self, expression: str) -> None:
        """Click the element that this expression gives, as a mouse does."""

    @abstractmethod
    def _choose(self, expression: str, files: Sequence[Path]) -> None:
        """Put these files into the input that this expression gives, as its dialog does."""

    def run(self, body: str, *arguments: object) -> Any:
        """Run the body of a function in the page; its arguments are `a`, `b`, `c`. Returns what it returns."""
        names = ", ".join("abc"[: len(arguments)])
        values = ", ".join(json.dumps(argument) for argument in arguments)
        return json.loads(self._evaluate(f"JSON.stringify((({names}) => {{ {body} }})({values}) ?? null)"))

    def wait_for(self, body: str) -> Any:
        """Run the body of an async function in the page, which needs scripts. Returns what its promise gives."""
        return json.loads(self._await(f"(async () => {{ {body} }})().then((it) => JSON.stringify(it ?? null))"))

    def has(self, css: str, text: str = "") -> bool:
        """Whether the page shows an element with this selector, and this text in its label or content."""
        return bool(self.run(f"return Boolean({_first(css, text)})"))

    def click(self, css: str, text: str = "") -> None:
        """Click the first such element. Raises Missing."""
        self._need(css, text)
        self._press(_first(css, text))

    def choose(self, css: str, files: Sequence[Path]) -> None:
        """Choose files in this input, which need not be visible."""
        self._choose(f"document.querySelector({json.dumps(css)})", files)

    def text(self, css: str) -> str:
        """The text of the first such element, visible or not; empty if there is none."""
        return str(self.run("return document.querySelector(a)?.textContent.trim() ?? ''", css))

    def _need(self, css: str, text: str = "") -> None:
        found = self.run(
            f"const it = {_first(css, text)}; it?.scrollIntoView({{block: 'center', behavior: 'instant'}});"
            "return Boolean(it)"
        )
        if not found:
            raise Missing(f"{css} {text}")


def _first(css: str, text: str = "") -> str:
    """An expression for the first visible element with this selector, and this text in its label or content."""
    return (
        f"[...document.querySelectorAll({json.dumps(css)})].find((it) => it.checkVisibility() &&"
        f" `${{it.ariaLabel ?? ''}} ${{it.textContent}}`.includes({json.dumps(text)}))"
    )
