"""Random ids, and how an upload's id appears in an address: `<upload:upload_id>`."""

import re
import secrets
import string

from django.urls import register_converter
from django.urls.converters import StringConverter

ID_LENGTH = 22
_ALPHABET = string.ascii_letters + string.digits


def new_id() -> str:
    """22 random letters and digits: 131 bits, so ids can be neither guessed nor counted."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH))


def id_of(number: int) -> str:
    """The id that stands for a number of at most 128 bits."""
    letters = []
    for _ in range(ID_LENGTH):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def is_id(text: str) -> bool:
    """Whether the text has the form of an id: 22 letters and digits."""
    return re.fullmatch(UploadId.regex, text) is not None


class UploadId(StringConverter):
    """22 letters and digits. Any other text is not found, without a query."""

    regex = f"[A-Za-z0-9]{{{ID_LENGTH}}}"


register_converter(UploadId, "upload")
