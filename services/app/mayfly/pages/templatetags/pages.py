"""How sizes, times and links are shown on the pages."""

from datetime import timedelta

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import ngettext

from ...uploads.formats import format_size, three_digits
from ...uploads.limits import MB
from ...uploads.models import Upload
from .. import words

register = template.Library()
FADES = 5  # steps from fresh to nearly gone, each a class of the style sheet


@register.filter
def size(value: int) -> str:
    """Bytes as people say them: 812 bytes, 48 kB, 3.2 MB."""
    if value < 1000:
        return ngettext("%d byte", "%d bytes", value) % value
    if value < MB:
        return f"{three_digits(value / 1000)} kB"
    return format_size(value)


@register.filter
def span(value: timedelta) -> str:
    """A time in its largest unit, rounded down, as no one should count on more: 14 minutes, 40 seconds."""
    seconds = max(int(value.total_seconds()), 0)
    if seconds < 60:
        return ngettext("%d second", "%d seconds", seconds) % seconds
    minutes = seconds // 60
    if minutes < 120:
        return ngettext("%d minute", "%d minutes", minutes) % minutes
    return ngettext("%d hour", "%d hours", minutes // 60) % (minutes // 60)


@register.filter
def seconds(value: timedelta) -> str:
    """For scripts, in every language alike: 812.4."""
    return f"{max(value.total_seconds(), 0):.1f}"


@register.filter
def filled(text: str, value: str) -> str:
    """A text with a place for something, `{}`, and that in it: the page's script fills the same text again."""
    return text.replace("{}", value)


@register.simple_tag
def link(request: HttpRequest, upload: Upload) -> str:
    """The absolute address of the share page."""
    return request.build_absolute_uri(reverse("share", args=[upload.pk]))


@register.simple_tag
def words_element() -> str:
    """The texts of the upload script in the page's language."""
    return words.element()


@register.filter
def fade(upload: Upload) -> int:
    """How far an upload has faded, from 0, fresh, to FADES - 1, nearly gone."""
    left = max(upload.time_left / upload.lifetime, 0)
    return min(int((1 - left) * FADES), FADES - 1)
