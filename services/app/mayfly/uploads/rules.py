"""The rules on uploads: checks of sizes, quotas and lifetimes, and clean names and titles."""

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _

from .choices import Kind
from .errors import NotAllowed
from .formats import format_size
from .limits import DOWNLOADS, NAME_LENGTH, PASSWORD_LENGTH, TITLE_LENGTH, limits
from .visible import visible


def check_size(kind: Kind, size: int) -> None:
    """Raise NotAllowed if an upload of `size` bytes is empty or above its kind's limit."""
    if size < 1:
        raise NotAllowed("empty", _("This file is empty. Choose one that has something in it."), field="size")
    if size > limits.size(kind):
        message = (
            _("Images can be up to %(limit)s. Make it smaller, or send it as a file.")
            if kind == Kind.IMAGE
            else _("Files can be up to %(limit)s. Split it into smaller ones.")
        )
        raise NotAllowed("too_large", message % {"limit": format_size(limits.size(kind))}, field="size")


def check_box_room(count: int, used: int, size: int) -> None:
    """Raise NotAllowed if one more upload of `size` bytes does not fit into a box of `count` with `used` bytes."""
    if count >= limits.box_uploads:
        message = _("You can have at most %(limit)d uploads here at a time. Delete some, or wait for them to expire.")
        raise NotAllowed("box_count", message % {"limit": limits.box_uploads})
    if used + size > limits.box_quota:
        message = _("Your uploads can total at most %(limit)s. Delete some, or wait for them to expire.")
        raise NotAllowed("box_full", message % {"limit": format_size(limits.box_quota)}, field="size")


def check_address_room(count: int, used: int, size: int) -> None:
    """Raise NotAllowed if one more upload of `size` bytes is too much for an address with `count` of `used` bytes."""
    if count >= limits.address_uploads:
        message = _("Your network address can have at most %(limit)d uploads here at a time. Wait for some to expire.")
        raise NotAllowed("address_count", message % {"limit": limits.address_uploads})
    if used + size > limits.address_quota:
        message = _("All uploads from your network address can total at most %(limit)s. Wait for some to expire.")
        raise NotAllowed("address_full", message % {"limit": format_size(limits.address_quota)}, field="size")


def check_site_room(used: int, size: int) -> None:
    """Raise NotAllowed if `size` more bytes do not fit beside the `used` bytes of all uploads together."""
    if used + size > limits.site_quota:
        message = _("This site holds all that it can at the moment. Wait for some uploads to expire, then try again.")
        raise NotAllowed("site_full", message, field="size")


def check_lifetime(lifetime: timedelta) -> None:
    """Raise NotAllowed if a lifetime is below a second or above the longest."""
    if not timedelta(seconds=1) <= lifetime <= limits.longest_lifetime:
        message = _("A lifetime is from 1 to %(most)d seconds.")
        raise NotAllowed("lifetime", message % {"most": limits.longest_lifetime.total_seconds()}, field="lifetime")


def check_password(password: str) -> None:
    """Raise NotAllowed if a password is longer than 200 characters, or not valid text."""
    if len(password) > PASSWORD_LENGTH:
        raise NotAllowed("password", _("A password has at most %d characters.") % PASSWORD_LENGTH, field="password")
    _check_text(password, field="password")


def check_downloads(downloads: int) -> None:
    """Raise NotAllowed if a limit on downloads is below 1 or above 100."""
    if not 1 <= downloads <= DOWNLOADS:
        message = _("A limit on downloads is from 1 to %(most)d.") % {"most": DOWNLOADS}
        raise NotAllowed("downloads", message, field="downloads")


def check_protectable() -> None:
    """Raise NotAllowed where all visitors share one box, since its owner is never asked for a password."""
    if settings.SHARED_BOX:
        message = _("All visitors share one box here, so a password or a limit on downloads would protect nothing.")
        raise NotAllowed("shared_box", message)


def clean_name(name: str) -> str:
    """The name as people see it again, without what lets it look like another one; see `visible`.

    A name is only shown and sent in headers, never used as a path, so slashes may stay.
    Raises NotAllowed if the name is empty, longer than 255 characters, or not valid text.
    """
    name = _shown(name, field="name")
    if not name.strip():
        raise NotAllowed("name", _("A file needs a name."), field="name")
    if len(name) > NAME_LENGTH:
        raise NotAllowed("name", _("A name has at most %d characters.") % NAME_LENGTH, field="name")
    return name


def clean_title(title: str) -> str:
    """The title on one line, cleaned like a name, without surrounding blanks.

    Raises NotAllowed if it has more than 80 characters, or is not valid text.
    """
    title = _shown(title, field="title").strip()
    if len(title) > TITLE_LENGTH:
        raise NotAllowed("title", _("A title has at most %d characters.") % TITLE_LENGTH, field="title")
    return title


def _shown(value: str, *, field: str) -> str:
    _check_text(value, field=field)
    return visible(value)


def _check_text(value: str, *, field: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NotAllowed("not_text", _("This is not valid text."), field=field) from error
