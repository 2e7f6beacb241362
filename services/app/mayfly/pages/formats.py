"""How sizes and times are shown on the pages.

Django takes five microseconds to find the active language, longer than most of these take. Those with few words keep
them by `language`, which is the active one.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.translation import ngettext

from ..uploads import lifecycle
from ..uploads.formats import size_in_words, three_digits
from ..uploads.listing import Listed
from ..uploads.models import Upload

# By the second half of the type: how people call it.
SORTS = {
    "pdf": "pdf",
    "plain": "text",
    **dict.fromkeys(("zip", "gzip", "x-7z-compressed", "vnd.rar", "x-xz", "zstd"), "archive"),
    **dict.fromkeys(("x-msdownload", "x-elf", "x-mach-binary"), "program"),
}
DOCUMENTS = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub", ".pages", ".numbers", ".key")
COUNTED_DOWN = 600  # from so many seconds on, the time left counts every second
# A name of more characters than this takes more than three lines in a card or a headline of a phone.
LONG, HEAD, TAIL = 60, 34, 20
HOUR = timedelta(hours=1)
# A preview usually comes within half a second of its upload, and else with a backlog's end.
SOON = timedelta(seconds=5)
FADES = 5  # steps from fresh to nearly gone, each a class of the style sheet


@lru_cache(1000)
def size(value: int, language: str | None) -> str:
    """Bytes as people say them: 812 bytes, 48 kB, 3.2 MB."""
    return size_in_words(value)


def span(value: timedelta, language: str | None) -> str:
    """A time in its largest unit, rounded down, as no one should count on more: 14 minutes, 40 seconds."""
    return _span(max(int(value.total_seconds()), 0), language)


def left(upload: Upload | Listed, language: str | None) -> str:
    """The time that an upload has left: 9:58 in its last ten minutes, else as a span.

    In its first minute it is rounded up, so that an upload for 15 minutes does not seem to have come a minute ago. The
    page's script says the same (services/assets/src/page/clock.js).
    """
    whole = max(int(upload.time_left.total_seconds()), 0)
    if whole < COUNTED_DOWN:
        return f"{whole // 60}:{whole % 60:02}"
    is_new = upload.lifetime - upload.time_left < timedelta(minutes=1)
    return _span(whole + 59 * is_new, language)


def keep(upload: Upload | Listed, language: str | None) -> str:
    """The words of the button that keeps an upload longer; empty if it may not be."""
    minutes = 0 if upload.is_taken else lifecycle.more(upload.lifetime)
    return _keep(minutes, language) if minutes else ""


@lru_cache(100)  # a step's minutes in some languages
def _keep(minutes: int, language: str | None) -> str:
    return ngettext("Keep %(number)d more minute", "Keep %(number)d more minutes", minutes) % {"number": minutes}


@lru_cache(3600)  # the seconds of some lifetimes; half of a page's plural forms are spans
def _span(seconds: int, language: str | None) -> str:
    if seconds < 60:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    minutes = seconds // 60
    if minutes < 120:
        return ngettext("%d minute", "%d minutes", minutes) % minutes
    return ngettext("%d hour", "%d hours", minutes // 60) % (minutes // 60)


def short_span(value: timedelta) -> str:
    """A lifetime in its largest whole unit, by its symbol, which all languages share: 15 min, 12 h."""
    whole, unit = (value.total_seconds() / 3600, "h") if value >= HOUR else (value.total_seconds() / 60, "min")
    return f"{three_digits(whole)}\N{NO-BREAK SPACE}{unit}"


def seconds(value: timedelta) -> str:
    """For scripts, in every language alike: 812.4."""
    return f"{max(value.total_seconds(), 0):.1f}"


def moment(value: datetime) -> str:
    """A moment to the second, with its date in the active language: Nov. 26, 2026, 08:21:49 UTC."""
    value = value.astimezone(UTC)
    return f"{date_format(value, 'DATE_FORMAT')}, {value:%H:%M:%S} UTC"


def clock(value: datetime) -> str:
    """A moment of the next hours to the minute: 08:21 UTC. The page's script shows it in the visitor's own zone."""
    value = value.astimezone(UTC)
    return f"{value.hour:02}:{value.minute:02} UTC"


def cut(text: str) -> tuple[str, str, str] | None:
    """The beginning, the middle and the end of a long name: a page shows the middle on demand. None if it is short."""
    if len(text) <= LONG:
        return None
    return text[:HEAD], text[HEAD:-TAIL], text[-TAIL:]


def together(count: int, images: int) -> str:
    """How many uploads of which kind are under one link: 8 images, or 8 uploads if they are of both kinds."""
    if images == count:
        return ngettext("%d image", "%d images", count) % count
    if not images:
        return ngettext("%d file", "%d files", count) % count
    return ngettext("%d upload", "%d uploads", count) % count


def shortened(text: str) -> str:
    """The name, without the middle if it is long."""
    parts = cut(text)
    return f"{parts[0]}…{parts[2]}" if parts else text


def filled(text: str, value: str) -> str:
    """A text with a place for something, `{}`, and that in it: the page's script fills the same text again."""
    return text.replace("{}", value)


def sort_of(upload: Upload) -> str:
    """The sort of an upload by its first bytes: image, video, audio, pdf, document, text, archive, program, or file.

    A name may lie, so it decides between an archive and an office document alone, which both are archives.
    """
    proven = upload.proven_type or upload.kind
    group, _, which = proven.partition("/")
    if group in ("image", "video", "audio"):
        return group
    if proven == "application/zip" and upload.name.lower().endswith(DOCUMENTS):
        return "document"
    return SORTS.get(which, "file")


def fade(upload: Upload | Listed) -> int:
    """How far an upload has faded, from 0, fresh, to FADES - 1, nearly gone."""
    left = max(upload.time_left / upload.lifetime, 0)
    return min(int((1 - left) * FADES), FADES - 1)


def looks(upload: Upload | Listed) -> str:
    """When the place of a preview that is on its way asks for it, as htmx says it. Each answer begins anew."""
    is_new = timedelta(0) <= upload.lifetime - upload.time_left < SOON
    return "load delay:300ms, every 2s" if is_new else "every 2s"
