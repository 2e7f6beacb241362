"""The operator's search: whatever a report of abuse names, find the uploads that are meant."""

import re
from ipaddress import ip_address

from django.db.models import Q

from ..uploads.ids import ID_LENGTH, is_id
from ..uploads.queries import UploadQuerySet
from ..visitors.addresses import hashed

# In the link of an upload: its whole id, or the first letters of it and a star, as the logs have it.
_IN_A_LINK = re.compile(rf"/u/([A-Za-z0-9]{{{ID_LENGTH}}})(?![A-Za-z0-9])")
# The same of a bundle, which stands for all its uploads.
_BUNDLE = re.compile(rf"/b/([A-Za-z0-9]{{{ID_LENGTH}}})(?![A-Za-z0-9])")
_BEGINNING_OF_BUNDLE = re.compile(r".*/b/([A-Za-z0-9]{4,21})\*(?:/.*)?")
_BEGINNING = re.compile(r"(?:.*/u/)?([A-Za-z0-9]{4,21})\*(?:/.*)?")


def find(uploads: UploadQuerySet, text: str) -> UploadQuerySet:
    """Those of `uploads` that `text` means.

    It may be a link of any page of an upload or a bundle; an id; the beginning of an id, as logs have it
    (`4kQabcde*`); the id of a box; a network address or its hash; or else its four words,
    or a part of a name or a title.
    """
    text = text.strip()
    if link := _IN_A_LINK.search(text):
        return uploads.filter(pk=link[1])
    if bundle := _BUNDLE.search(text):
        return uploads.filter(bundle=bundle[1])
    if bundle := _BEGINNING_OF_BUNDLE.fullmatch(text):
        return uploads.filter(bundle__startswith=bundle[1])
    if beginning := _BEGINNING.fullmatch(text):
        return uploads.filter(pk__startswith=beginning[1])
    if is_id(text):
        return uploads.filter(Q(pk=text) | Q(bundle=text) | Q(box=text) | Q(address=text))
    if _is_address(text):
        return uploads.sent_from(hashed(text))
    code = "-".join(text.casefold().split())  # as people read it out
    return uploads.filter(Q(code=code) | Q(name__icontains=text) | Q(title__icontains=text))


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True
