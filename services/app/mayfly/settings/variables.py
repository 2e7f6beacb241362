"""Configuration from the environment, read with python-decouple.

A variable that is missing or malformed ends the process with one line that names it. Only the environment is read,
never a file: Compose puts `.env` into it, Heroku its config vars, and `make run` its own values. An empty value
counts as none, because Compose passes `NAME=` on for a line that was left blank. Without a default, a variable is
required.
"""

import re
from typing import NoReturn
from urllib.parse import urlsplit

from decouple import Config, Csv, RepositoryEmpty, strtobool

_config = Config(RepositoryEmpty())
_MAIL = r"[^\s@<>:,;\"]+@[^\s@<>:,;\"]+"


def text(name: str, *, default: str | None = None, choices: tuple[str, ...] = ()) -> str:
    """A word or a sentence; one of `choices`, if there are any."""
    value = _read(name, default)
    if choices and value not in choices:
        fail(name, f"is {value!r}, and has to be one of {', '.join(choices)}")
    return value


def flag(name: str, *, default: bool) -> bool:
    """True or False, in the spellings that python-decouple knows."""
    value = _read(name, str(default))
    try:
        return bool(strtobool(value))
    except ValueError:
        fail(name, f"is {value!r}, and has to be True or False")


def number(name: str, *, default: int, least: int, most: int) -> int:
    """A whole number from `least` to `most`."""
    value = _read(name, str(default))
    try:
        result = int(value)
    except ValueError:
        fail(name, f"is {value!r}, and has to be a whole number")
    if not least <= result <= most:
        fail(name, f"is {result}, and has to be from {least} to {most}")
    return result


def names(name: str, *, default: str | None = None) -> list[str]:
    """Names separated by commas."""
    return [str(value) for value in Csv()(_read(name, default))]


def url(name: str, *, schemes: tuple[str, ...], default: str | None = None) -> str:
    """An address with one of `schemes`. An error does not show the value, which may hold a password."""
    value = _read(name, default)
    if not value:
        return value
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        fail(name, "is no address: a port is a number, and other signs in a password are written as %2F and the like")
    if parts.scheme not in schemes:
        fail(name, f"has to begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return value


def origin(name: str, *, default: str) -> str:
    """The address of a site: http:// or https://, a host and perhaps a port; without the slash at the end."""
    return _as_origin(name, url(name, schemes=("http", "https"), default=default))


def origins(name: str) -> list[str]:
    """Addresses of sites, separated by commas, each as `origin` has it; none by default."""
    return [_as_origin(name, value) for value in names(name, default="")]


def fail(name: str, why: str) -> NoReturn:
    """End the process: the variable's name, what is wrong with it, and where it is described."""
    raise SystemExit(f"mayfly: {name} {why}. See .env.var.")


def _as_origin(name: str, value: str) -> str:
    value = value.removesuffix("/")
    # As browsers write an origin, because it is compared with theirs.
    if value and not re.fullmatch(r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", value):
        fail(name, "has to be scheme and host in small letters, without a path, as in https://drop.example.org")
    if value.startswith("https://") and value.endswith(":443") or value.startswith("http://") and value.endswith(":80"):
        fail(name, "names the port that its scheme has anyway, and browsers leave that out")
    return value


def mail(name: str, *, default: str = "") -> str:
    """One mail address."""
    value = _read(name, default)
    if value and not re.fullmatch(_MAIL, value):
        fail(name, f"is {value!r}, and has to be one mail address, as in abuse@example.org")
    return value


def contact(name: str, *, default: str = "") -> str:
    """Where people reach the operator, as a URI: a mail address, a page, or a telephone number."""
    value = _read(name, default)
    if re.fullmatch(_MAIL, value):
        return f"mailto:{value}"
    if value and not re.fullmatch(r"(https://|mailto:|tel:)[^\s<>]+", value):
        fail(name, f"is {value!r}, and has to be a mail address, or begin with https://, mailto: or tel:")
    return value


def _read(name: str, default: str | None) -> str:
    value = str(_config(name, default=""))
    if value:
        return value
    if default is None:
        fail(name, "is missing")
    return default
