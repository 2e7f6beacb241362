"""Why an upload was refused, as its row keeps it: words that have translations, and the limit that was met."""

from django.utils.translation import gettext


def with_limit(text: str, limit: int) -> str:
    """The refusal to keep for a text with `%(limit)d`, in English for gettext, and the limit that was met."""
    return f"{text}\n{limit}"


def in_words(refusal: str) -> str:
    """A refusal in the active language; empty if it is. A text that is in the client's language already stays so."""
    text, _, limit = refusal.partition("\n")
    words = gettext(text) if text else ""
    return words % {"limit": int(limit)} if limit else words
