"""Passwords of links. None is an argument of a command, because other users of a machine can read those."""

import os
import sys
from getpass import getpass

from .errors import Failure, Locked

_ATTEMPTS = 3


def chosen_password(*, wanted: bool, from_stdin: bool) -> str | None:
    """The password for what is sent: from standard input, MAYFLY_PASSWORD, or asked for twice; None if none is wanted.

    Raises Failure if there is none to be had.
    """
    if not wanted and not from_stdin:
        return None
    password = _given(from_stdin=from_stdin) or _asked_twice()
    if not password:
        raise Failure("a password has at least one character")
    return password


class Passwords:
    """The passwords to try at a link: the one from standard input or MAYFLY_PASSWORD, or what a person types."""

    def __init__(self, *, from_stdin: bool = False):
        self._given = _given(from_stdin=from_stdin)
        self._tried = 0

    def next(self) -> str:
        """The next one to try. Raises Locked if there is none."""
        self._tried += 1
        if self._given and self._tried == 1:
            return self._given
        if self._given or self._tried > _ATTEMPTS:
            raise Locked("This is not the password.")
        if not sys.stdin.isatty():
            raise Locked("This link has a password: use --password-stdin or MAYFLY_PASSWORD.")
        return _ask("Password: " if self._tried == 1 else "This is not the password. Password: ")


def _given(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return os.environ.get("MAYFLY_PASSWORD", "")


def _asked_twice() -> str:
    if not sys.stdin.isatty():
        raise Failure("--password asks at a terminal: use --password-stdin or MAYFLY_PASSWORD")
    password = _ask("Password: ")
    if _ask("The same again: ") != password:
        raise Failure("these are two passwords")
    return password


def _ask(words: str) -> str:
    return getpass(words, stream=sys.stderr)
