"""A call that is sent again because its answer was lost: the same key and the same body mean the same upload.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re
from dataclasses import dataclass

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from .errors import NotAllowed
from .ids import id_of
from .limits import ASK_LENGTH

# The header is a string of RFC 8941, in quotes; most clients leave them out. A client without a box gets one by its
# key, so a key has to be one that no other client uses or guesses. A UUID has 36 characters.
_KEY = re.compile(r'"([!#-\[\]-~]{16,200})"|([!#-\[\]-~]{16,200})')


@dataclass(frozen=True, slots=True)
class Ask:
    """The key of a call and its body: two keyed hashes, by which the upload is found again."""

    key: str
    body: str

    @property
    def id(self) -> str:
        """An id that this key alone leads to, for what has no column for it."""
        return id_of(int(self.key, 16))

    @staticmethod
    def of(client: str, key: str, body: str) -> "Ask":
        """The ask of a client, by the `key` in its header. The same key of another client is another ask.

        Raises NotAllowed if the key is too short to be one's own, too long, or not of visible ASCII characters.
        """
        found = _KEY.fullmatch(key)
        if not found:
            message = _("An Idempotency-Key has 16 to 200 visible characters. A random UUID is a good one.")
            raise NotAllowed("idempotency_key", message, field="Idempotency-Key")
        return Ask(_hashed("key", f"{client}\n{found[1] or found[2]}"), _hashed("body", body))


def _hashed(salt: str, text: str) -> str:
    return salted_hmac(f"mayfly.ask.{salt}", text, algorithm="sha256").hexdigest()[:ASK_LENGTH]
