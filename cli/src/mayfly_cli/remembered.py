"""Data that stays between two calls: the server, the token of each server's box, and transfers that were interrupted.

The token opens the box, so it is in the system's keyring if the package `keyring` is installed and works, and
otherwise in a file that only its owner can read. MAYFLY_SERVER and MAYFLY_TOKEN in the environment come first.
"""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_state_path

_SERVICE = "mayfly-cli"


class Remembered:
    """Two folders: the settings, and the transfers under way."""

    def __init__(self, *, settings: Path | None = None, state: Path | None = None):
        self._settings = settings or user_config_path("mayfly")
        self._state = state or user_state_path("mayfly")
        self._file = self._settings / "settings.json"

    def server(self) -> str:
        """The server of the last call that named one; "" if none has."""
        return os.environ.get("MAYFLY_SERVER") or str(_read(self._file).get("server") or "")

    def keep_server(self, url: str) -> None:
        if _read(self._file).get("server") != url:
            _write(self._file, _read(self._file) | {"server": url})

    def token(self, server: str) -> str:
        """The token of the box at this server; "" if there is none yet."""
        if token := os.environ.get("MAYFLY_TOKEN"):
            return token
        if keyring := _keyring():
            with suppress(Exception):  # a keyring that is locked, or has no desktop to ask on
                if token := keyring.get_password(_SERVICE, server):
                    return str(token)
        return str(_tokens(_read(self._file)).get(server) or "")

    def keep_token(self, server: str, token: str) -> None:
        if os.environ.get("MAYFLY_TOKEN"):
            return
        if keyring := _keyring():
            with suppress(Exception):
                keyring.set_password(_SERVICE, server, token)
                self._keep_in_file(server, "")
                return
        self._keep_in_file(server, token)

    def forget_token(self, server: str) -> None:
        if keyring := _keyring():
            with suppress(Exception):
                keyring.delete_password(_SERVICE, server)
        self._keep_in_file(server, "")

    def place_of(self, server: str) -> str:
        """The place of this server's token, in words."""
        if os.environ.get("MAYFLY_TOKEN"):
            return "MAYFLY_TOKEN in the environment"
        return str(self._file) if _tokens(_read(self._file)).get(server) else "the system's keyring"

    def _keep_in_file(self, server: str, token: str) -> None:
        settings = _read(self._file)
        tokens = {name: value for name, value in _tokens(settings).items() if name != server}
        if token:
            tokens[server] = token
        if tokens != _tokens(settings):
            _write(self._file, settings | {"tokens": tokens})

    def transfer(self, key: str) -> str:
        """The id of the upload that was interrupted under this key; "" if none was."""
        return str(_read(self._transfer_file(key)).get("upload") or "")

    def keep_transfer(self, key: str, upload: str) -> None:
        _write(self._transfer_file(key), {"upload": upload})

    def forget_transfer(self, key: str) -> None:
        self._transfer_file(key).unlink(missing_ok=True)

    def _transfer_file(self, key: str) -> Path:
        """A file for each, so that two commands at once do not overwrite each other's."""
        return self._state / "transfers" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _tokens(settings: dict[str, Any]) -> dict[str, str]:
    tokens = settings.get("tokens")
    return tokens if isinstance(tokens, dict) else {}


def _keyring() -> Any:
    try:
        import keyring
    except ImportError:
        return None
    return keyring


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(file: Path, content: dict[str, Any]) -> None:
    """Replace the file in one step. Only its owner can read it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(content, out, indent=1)
    os.replace(draft, file)
