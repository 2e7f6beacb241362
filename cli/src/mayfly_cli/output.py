"""Output of the commands: results on standard output, all else on standard error."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from .values import clock, shown_size, time_left


class Output:
    """Words for people, or JSON for programs. `quiet` leaves out progress and remarks."""

    def __init__(self, *, as_json: bool, quiet: bool):
        self.as_json = as_json
        self._quiet = quiet
        self._errors = Console(stderr=True, highlight=False)
        self._live: Progress | None = None

    def result(self, value: Any, words: str) -> None:
        """Print a result: a line of JSON, or the words."""
        with self._aside():
            print(json.dumps(value, ensure_ascii=False) if self.as_json else words, flush=True)

    def remark(self, words: str) -> None:
        if not self._quiet:
            with self._aside():
                self._errors.print(Text(words))

    def error(self, words: str) -> None:
        with self._aside():
            print(f"mayfly: {words}", file=sys.stderr, flush=True)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Take the bar away while something is printed. Rich would fold a link to the width of the window."""
        if self._live:
            self._live.stop()
        yield
        if self._live:
            self._live.start()

    def uploads(self, uploads: list[dict[str, Any]], bundles: list[dict[str, Any]]) -> None:
        """Print the uploads and bundles of a box, newest first. The uploads of a bundle are below it."""
        alone = [upload for upload in uploads if not upload.get("bundle")]
        entries = sorted([*alone, *bundles], key=lambda entry: str(entry["created_at"]), reverse=True)
        if self.as_json:
            self.result(entries, "")
            return
        if not entries:
            self.remark("Nothing is here.")
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("Name", "Size", "Left", "Expires", "Protection", "Link"):
            table.add_column(
                name, overflow="fold", no_wrap=name != "Name", justify="right" if name == "Size" else "left"
            )
        for entry in entries:
            _add(table, entry, name_of(entry))
            for upload in entry.get("uploads", ()):
                _add(table, upload, f"  {upload['name']}")
        # Links must stay whole, also in a narrow window or a pipe.
        Console(highlight=False, width=None if sys.stdout.isatty() else 400).print(table)

    @contextmanager
    def bar(self, name: str, total: int | None) -> Iterator["Bar"]:
        """A progress bar, if standard error is a terminal."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        hidden = self._quiet or not self._errors.is_terminal
        with Progress(*columns, console=self._errors, transient=True, disable=hidden) as progress:
            self._live = progress
            try:
                yield Bar(progress, progress.add_task(name, total=total))
            finally:
                self._live = None


def name_of(entry: dict[str, Any]) -> str:
    """The name of an upload, or the title of a bundle; without one, what is in it."""
    if "uploads" not in entry:
        return str(entry["name"])
    count = len(entry["uploads"])
    return str(entry["title"] or ("1 file" if count == 1 else f"{count} files"))


def protection_of(entry: dict[str, Any]) -> str:
    """The password and the limit of an upload or a bundle in words; "" if it has neither."""
    words = ["password"] if entry.get("password") else []
    if downloads := entry.get("downloads"):
        words.append(f"{downloads['taken']} of {downloads['most']} taken")
    return ", ".join(words)


def _add(table: Table, entry: dict[str, Any], name: str) -> None:
    until = entry["expires_at"]
    cells = [name, shown_size(entry["size"]), time_left(until), clock(until), protection_of(entry), entry["link"]]
    table.add_row(*map(Text, cells))


class Bar:
    """The bytes that have gone so far, which several threads count."""

    def __init__(self, progress: Progress, task: TaskID):
        self._progress, self._task = progress, task
        self._one_at_a_time = Lock()
        self.done = 0

    def advance(self, size: int) -> None:
        with self._one_at_a_time:
            self.done += size
            self._progress.update(self._task, completed=self.done)

    def show(self, done: int, total: int) -> None:
        self.done = done
        self._progress.update(self._task, completed=done, total=total)
