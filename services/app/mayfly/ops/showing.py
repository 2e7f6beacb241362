"""An upload on the operator's pages: its picture, its times, and the way to others like it."""

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..uploads.choices import State
from ..uploads.models import Upload

LIST = "admin:uploads_upload_changelist"


def time_shown(value: datetime) -> SafeString:
    """A time in UTC, which the page's script shows in the zone of the browser."""
    words = f"{date_format(value, 'j N')}, {value:%H:%M:%S} UTC"
    return format_html('<time class="local" datetime="{}">{}</time>', value.isoformat(), words)


def picture_of(upload: Upload) -> str:
    """The preview of a live image; empty if there is none."""
    if upload.state != State.READY or not upload.has_preview:
        return ""
    return format_html('<img class="preview" src="{}" alt="">', reverse("preview", args=[upload.pk]))


def link(address: str, words: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', address, words)


def way_to_block(value: str, words: str) -> SafeString:
    """A link to the form for a new block, with this hash in it."""
    return link(f"{reverse('admin:abuse_block_add')}?{urlencode({'value': value})}", words)


def with_others(value: str, words: str) -> SafeString:
    """An id or hash with a link to the list of all uploads that have it."""
    return format_html("{} {}", value, link(f"{reverse(LIST)}?{urlencode({'q': value})}", words))
