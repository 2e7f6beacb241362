"""Values as people write and read them: links, sizes, durations, times, and names of files."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
# An id is 22 letters and digits; /u/ is before that of an upload, and /b/ before that of a bundle.
_ID = re.compile(r"(?:/(?P<kind>[ub])/|\b)(?P<id>[A-Za-z0-9]{22})(?=/|$)")
# Control characters, and those that reorder text or cannot be seen.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
# Windows gives these a meaning, and "/" separates folders everywhere.
_SPECIAL = re.compile(r'[<>:"/\\|?*]')


@dataclass(frozen=True)
class Address:
    """A link taken apart. A bare id has no server, and may be that of an upload or of a bundle."""

    server: str
    id: str
    may_be_upload: bool = True
    may_be_bundle: bool = True


def address_of(text: str) -> Address:
    """The server and the id in a link, or the id itself. Raises ValueError if there is none."""
    parts = urlsplit(text)
    server = f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
    match = _ID.search(parts.path)
    if not match:
        raise ValueError(f"{text!r} is neither a link of Mayfly's nor an id")
    return Address(server, match["id"], may_be_upload=match["kind"] != "b", may_be_bundle=match["kind"] != "u")


def seconds_of(text: str) -> int:
    """The seconds of `90`, `90s`, `15m` or `12h`. Raises ValueError for anything else."""
    match = re.fullmatch(r"(\d{1,9})([smh]?)", text.strip().lower())
    if not match or not int(match[1]):
        raise ValueError(f"{text!r} is no time: write 90s, 15m or 12h")
    return int(match[1]) * _UNITS[match[2]]


def shown_size(size: int) -> str:
    """A size in decimal units, as Mayfly's pages show it."""
    if size < 1000:
        return f"{size} bytes"
    amount, units = float(size), ["kB", "MB", "GB", "TB"]
    for unit in units:
        amount /= 1000
        if amount < 999.5 or unit == units[-1]:
            break
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"


def time_left(until: str, *, now: datetime | None = None) -> str:
    """The time from `now` to an ISO 8601 time: `14:59`, or `11 h 59 min` above an hour."""
    left = max(0, round((datetime.fromisoformat(until) - (now or datetime.now(UTC))).total_seconds()))
    if left >= 3600:
        return f"{left // 3600} h {left % 3600 // 60} min"
    return f"{left // 60}:{left % 60:02}"


def clock(time: str) -> str:
    """An ISO 8601 time on the clock of this machine: `23:58`."""
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M")


def safe_name(name: str) -> str:
    """A name of a server's as the name of a file here: in this folder, visible, and legal on every system."""
    name = _SPECIAL.sub("_", _UNSEEN.sub("_", name)).strip().rstrip(".").lstrip(".")
    return name[:200] or "download"


def apart(names: list[str]) -> list[str]:
    """The same names for files of one folder: one that came before gets a number, `a (2).txt`."""
    chosen: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem, dot, ending = name.rpartition(".") if "." in name[1:] else (name, "", "")
        number, free = 1, name
        while free.casefold() in taken:  # some systems do not tell a.txt from A.TXT
            number += 1
            free = f"{stem} ({number}){dot}{ending}"
        taken.add(free.casefold())
        chosen.append(free)
    return chosen
