"""Values as people write and read them: sizes, durations, times, and names of files."""

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
# An id is 22 letters and digits.
_ID = re.compile(r"[A-Za-z0-9]{22}")
# Control characters, and those that reorder text or cannot be seen.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
# Windows gives these a meaning, and "/" separates folders everywhere.
_SPECIAL = re.compile(r'[<>:"/\\|?*]')


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


def id_of(text: str) -> str:
    """The id in a link, or the id itself. Raises ValueError if there is none."""
    path = urlsplit(text).path if "://" in text else text
    for piece in path.split("/"):
        if _ID.fullmatch(piece):
            return piece
    raise ValueError(f"{text!r} is neither a link of Mayfly's nor an id")


def origin_of(link: str) -> str:
    """The server of a link, or "" for a bare id."""
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""


def safe_name(name: str) -> str:
    """A name of a server's as the name of a file here: in this folder, visible, and legal on every system."""
    name = _SPECIAL.sub("_", _UNSEEN.sub("_", name)).strip().rstrip(".").lstrip(".")
    return name[:200] or "download"
