"""The content of a token: the box that it opens, its generation of the box's tokens, and what it may do.

Its text is the box, followed by the generation and the sender if it has any, with a time and a signature.
"""

from typing import NamedTuple

from django.core import signing

from ..uploads.ids import is_id
from . import cookies

AGE = 30 * 24 * 3600  # seconds; longer than any upload lives, so no visitor loses a box with something in it
RENEWED_AFTER = 24 * 3600  # seconds; a cookie with each page would cost more than it gains
SHARED = "shared"


class Token(NamedTuple):
    """An opened token. `old`: it is to be renewed.

    A token with a `sender` may only send uploads. The sender is the token's own id, by which the uploads that it has
    begun are told from the others of the box.
    """

    box: str
    generation: str = ""
    sender: str = ""
    old: bool = False

    def signed(self) -> str:
        """The token as a text that lasts for the next 30 days."""
        return _signer().sign(".".join((self.box, self.generation, self.sender)).rstrip("."))


def opened(text: str) -> Token:
    """Open a token. Raises BadSignature if it is not ours, too old, or of no visitor's own box."""
    token = _verified(text)
    if not is_id(token.box) and token.box != SHARED:
        raise signing.BadSignature("it names no box")
    return token


def _verified(text: str) -> Token:
    try:
        return _parts(_signer().unsign(text, max_age=RENEWED_AFTER))
    except signing.SignatureExpired:
        return _parts(_signer().unsign(text, max_age=AGE))._replace(old=True)
    except signing.BadSignature:
        if not cookies.old_forms_count():
            raise
    return Token(signing.Signer(salt="mayfly.box").unsign(text), old=True)  # of version 0.1, without an age


def _parts(text: str) -> Token:
    box, _, rest = text.partition(".")
    generation, _, sender = rest.partition(".")
    return Token(box, generation, sender)


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="mayfly.box.aged")
