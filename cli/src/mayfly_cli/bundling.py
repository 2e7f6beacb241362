"""Several files under one link: the bundle that they go into, and what is remembered of it until it is complete."""

import json
from pathlib import Path
from typing import Any

from .errors import Failure, Refused
from .remembered import Remembered
from .server import Server


class Bundle:
    """The bundle that an earlier call of the same command began, or a new one.

    `wishes` are the fields of the API for the bundle itself. Send the files with its `id`, then complete it.
    """

    def __init__(self, server: Server, remembered: Remembered, files: list[tuple[Path, str]], wishes: dict[str, Any]):
        self._server, self._remembered = server, remembered
        self._key = _key(server.url, files, wishes)
        self.id = self._interrupted() or self._begun(wishes)

    def complete(self) -> dict[str, Any]:
        """Close the bundle, and return it. Repeating it is no error. Raises Refused; an empty bundle is removed."""
        try:
            ready = self._server.complete_bundle(self.id)
        except Refused as refused:
            if refused.code == "bundle_empty":
                self._server.remove_bundle(self.id)
            if refused.http != 429:
                self._remembered.forget_transfer(self._key)
            raise
        self._remembered.forget_transfer(self._key)
        return ready

    def _interrupted(self) -> str:
        """The id of the bundle of an earlier call, if the server still has it; else ""."""
        known = self._remembered.transfer(self._key)
        try:
            return str(self._server.bundle(known)["id"]) if known else ""
        except Refused as refused:
            if refused.http in (404, 410):
                return ""
            raise

    def _begun(self, wishes: dict[str, Any]) -> str:
        try:
            bundle = str(self._server.begin_bundle(**wishes)["id"])
        except Refused as refused:
            if refused.http == 404:
                raise Failure(f"{self._server.url} knows no bundles: use --separate") from refused
            raise
        self._remembered.keep_transfer(self._key, bundle)
        return bundle


def _key(server: str, files: list[tuple[Path, str]], wishes: dict[str, Any]) -> str:
    """The name under which a bundle is remembered. Other files, a changed one or another wish have another one."""
    states = [(str(path.resolve()), name, path.stat().st_size, path.stat().st_mtime_ns) for path, name in files]
    return json.dumps(["bundle", server, states, wishes], sort_keys=True)
