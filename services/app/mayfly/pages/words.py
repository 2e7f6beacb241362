"""The texts of the upload script in the visitor's language, written into the page for services/assets/src/words.js.

The browser has no catalogue of its own. The build of the bundle collects every English text that the script translates
into words.json. `make messages` adds them to the catalogue, like any other string, and the page carries translations.
"""

import json
from functools import cache
from pathlib import Path
from typing import TypedDict

from django.contrib.staticfiles import finders
from django.utils.html import json_script
from django.utils.safestring import SafeString
from django.utils.translation import get_language

# Under other names, since the tool that collects strings for the catalogue expects a literal in each call of gettext.
from django.utils.translation import gettext as translate
from django.utils.translation import ngettext as translate_count

# The build writes it: a string for each text, and for a text that counts, a pair of singular and plural.
LIST = "mayfly/bundle/words.json"
# The plural form of a larger number follows from its last two digits, in every language.
NUMBERS = range(200)


class Words(TypedDict):
    """The content of the `words` element, for words.js.

    `texts` maps each English text to its translation, or, if it counts, to the language's plural forms. `plural` has a
    digit for each of NUMBERS: which of the forms that number takes. The forms have an order of their own, because
    Django does not show gettext's.
    """

    plural: str
    texts: dict[str, str | list[str]]


def words() -> Words:
    """The texts in the active language, without those that read as in English."""
    listed = _listed()
    single = [text for text in listed if isinstance(text, str)]
    counted = [(one, other) for one, other in (text for text in listed if not isinstance(text, str))]
    rows = [tuple(translate_count(one, other, number) for one, other in counted) for number in NUMBERS]
    forms = list(dict.fromkeys(rows))
    texts: dict[str, str | list[str]] = {text: translate(text) for text in single if translate(text) != text}
    for place, (one, other) in enumerate(counted):
        if not {form[place] for form in forms} <= {one, other}:
            texts[one] = [form[place] for form in forms]
    return {"plural": "".join(str(forms.index(row)) for row in rows), "texts": texts}


def element() -> SafeString:
    """The `words` element for a page that loads the upload script; nothing in English.

    The content security policy allows it, because it is data and not a script.
    """
    return _element(get_language())


@cache
def _element(language: str | None) -> SafeString:
    found = words()
    return json_script(found, "words") if found["texts"] else SafeString()


def _listed() -> list[str | list[str]]:
    """Every text that the script translates. Without a bundle there is no script, and no text."""
    found = finders.find(LIST)
    return json.loads(Path(found).read_text()) if isinstance(found, str) else []
