"""The answer to a POST that is done: where to look now."""

import re
from typing import Any

from django.http import HttpResponseRedirect
from django.shortcuts import resolve_url

from ..uploads.ids import ID_LENGTH

# Where a part of a list is, or its order, in its address and in the forms on it.
PLACE = re.compile(f"(after|before)=[0-9A-Za-z]{{{ID_LENGTH}}}|sort=(name|size|left)")


class SeeOther(HttpResponseRedirect):
    """A redirect that every browser follows with GET, whatever the method of its request was."""

    status_code = 303


def see(to: str, *args: Any) -> SeeOther:
    """A SeeOther to a named page of the site, or to an address."""
    return SeeOther(resolve_url(to, *args))


def see_list(page: str, place: str = "") -> SeeOther:
    """A SeeOther to a list, and to a later part of it by `place`.

    A place is ignored unless it has the form in which the pages send it, since anyone could have written it.
    """
    return see(f"{resolve_url(page)}?{place}" if PLACE.fullmatch(place) else page)
