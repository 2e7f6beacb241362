"""How sizes and times are shown on the pages."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext

from ..uploads.formats import format_size, three_digits
from ..uploads.limits import MB
from ..uploads.listing import Listed
from ..uploads.models import Upload

COUNTED_DOWN = 600  # from so many seconds on, the time left counts every second
FADES = 5  # steps from fresh to nearly gone, each a class of the style sheet


def size(value: int) -> str:
    """Bytes as people say them: 812 bytes, 48 kB, 3.2 MB."""
    if value < 1000:
        return ngettext("%d byte", "%d bytes", value) % value
    if value < MB:
        return f"{three_digits(value / 1000)} kB"
    return format_size(value)


def span(value: timedelta) -> str:
    """A time in its largest unit, rounded down, as no one should count on more: 14 minutes, 40 seconds."""
    return _span(max(int(value.total_seconds()), 0), get_language())


def left(upload: Upload | Listed) -> str:
    """The time that an upload has left: 9:58 in its last ten minutes, else as a span.

    In its first minute it is rounded up, so that an upload for 15 minutes does not seem to have come a minute ago. The
    page's script says the same (services/assets/src/page/clock.js).
    """
    whole = max(int(upload.time_left.total_seconds()), 0)
    if whole < COUNTED_DOWN:
        return f"{whole // 60}:{whole % 60:02}"
    is_new = upload.lifetime - upload.time_left < timedelta(minutes=1)
    return _span(whole + 59 * is_new, get_language())


@lru_cache(3600)  # the seconds of some lifetimes; half of a page's plural forms are spans
def _span(seconds: int, language: str | None) -> str:
    if seconds < 60:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    minutes = seconds // 60
    if minutes < 120:
        return ngettext("%d minute", "%d minutes", minutes) % minutes
    return ngettext("%d hour", "%d hours", minutes // 60) % (minutes // 60)


def seconds(value: timedelta) -> str:
    """For scripts, in every language alike: 812.4."""
    return f"{max(value.total_seconds(), 0):.1f}"


def moment(value: datetime) -> str:
    """A moment to the second, with its date in the active language: Nov. 26, 2026, 08:21:49 UTC."""
    value = value.astimezone(UTC)
    return f"{date_format(value, 'DATE_FORMAT')}, {value:%H:%M:%S} UTC"


def filled(text: str, value: str) -> str:
    """A text with a place for something, `{}`, and that in it: the page's script fills the same text again."""
    return text.replace("{}", value)


def fade(upload: Upload | Listed) -> int:
    """How far an upload has faded, from 0, fresh, to FADES - 1, nearly gone."""
    left = max(upload.time_left / upload.lifetime, 0)
    return min(int((1 - left) * FADES), FADES - 1)
