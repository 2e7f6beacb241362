"""Codes: four words that stand for an upload while it is live, to be said aloud or typed on another device.

The words are one list for all languages, because two people who pass a code on may read the page in different ones.
They are English, common, of four to eight letters, and any two of them differ in more than one letter.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from django.utils.translation import gettext as _

from .errors import NotAllowed

# 1,024 words, so that four of them make 2^40 codes. docs/limits.md has the arithmetic of guesses.
WORDS = tuple((Path(__file__).parent / "code_words.txt").read_text().split())
COUNT = 4
CODE_LENGTH = COUNT * 8 + COUNT - 1
TYPED_LENGTH = 80  # characters that a form takes: every code, and as much again

_KNOWN = frozenset(WORDS)
_SIZES = sorted({len(word) for word in WORDS})


def new_code() -> str:
    """Four random words, joined by hyphens."""
    return "-".join(secrets.choice(WORDS) for _ in range(COUNT))


def codes_in(typed: str) -> list[str]:
    """The codes that a person may mean by this text: one, or in rare cases several. Case, spaces and hyphens are free.

    Raises NotAllowed, which names the word that is wrong, and the one of ours that looks most like it.
    """
    text = unicodedata.normalize("NFKC", typed[:TYPED_LENGTH]).casefold()
    tokens = re.findall(r"[^\W\d_]+", text)
    found = ["-".join(words) for words in _splits("".join(tokens), COUNT)]
    if not found:
        raise NotAllowed("no_code", _why(tokens), field="code")
    return found


def _splits(letters: str, count: int) -> Iterator[list[str]]:
    """Every way to read these letters as `count` of our words."""
    if not count:
        if not letters:
            yield []
        return
    for size in _SIZES:
        word, rest = letters[:size], letters[size:]
        if len(word) == size and word in _KNOWN:
            yield from ([word, *words] for words in _splits(rest, count - 1))


def _why(tokens: list[str]) -> str:
    unknown = next((token for token in tokens if token not in _KNOWN), None)
    if unknown is None or len(tokens) != COUNT:
        return _("A code has four words, for example %(example)s.") % {"example": "amber-road-tulip-moon"}
    near = get_close_matches(unknown, WORDS, n=1)
    if near:
        return _("No code has the word %(word)s. Do you mean %(near)s?") % {"word": unknown, "near": near[0]}
    return _("No code has the word %(word)s. Check its spelling.") % {"word": unknown}
