"""Bring the translations up to date with the program: `make messages`.

Every string marked for translation, in Python, in templates and in the browser's scripts, gets its place in each
language's django.po; strings that are not used any more go. The translations are compiled to django.mo beside it. Babel
does it, so that no gettext has to be installed. A test fails if a string has no translation, or if this was not run.

`settings.LANGUAGES` is the only list of languages: a line there and a run of this make a new one.
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale

from .paths import APP, ASSETS
from .processes import call

KEYWORDS = DEFAULT_KEYWORDS | {"gettext_lazy": None, "gettext_noop": None, "ngettext_lazy": (1, 2)}
SCRIPT_KEYWORDS = {"gettext": None, "_": None, "t": None, "ngettext": (1, 2), "tn": (1, 2), "pluralForms": (1, 2)}
SCRIPT = {"parse_template_string": "true"}  # also what is marked inside of `${…}`
JINJA = {"silent": "false"}  # a template that cannot be read is an error, not one without strings
# The header's lines that a program reads; the others would differ with each run.
HEADER = ("Language:", "Plural-Forms", "MIME-Version", "Content-Type", "Content-Transfer-Encoding")
# A date would differ with each run as well.
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)

# A line's number, a string or its forms, the comments above it and its context, as Babel finds them.
Found = tuple[int, str | tuple[str, ...], list[str], str | None]


def main() -> None:
    sys.path.insert(0, str(APP))
    os.environ["DJANGO_SETTINGS_MODULE"] = "mayfly.settings.development"
    os.environ.setdefault("SECRET_KEY", "only-to-read-the-settings")
    write()


def write() -> None:
    """Write the catalogue of every language, and print the strings that wait for a translation."""
    used = extracted()
    for language in languages():
        catalog = updated(language, used)
        file_of(language).parent.mkdir(parents=True, exist_ok=True)
        file_of(language).write_bytes(po(catalog))
        file_of(language).with_suffix(".mo").write_bytes(mo(catalog))
        waiting = [str(message.id) for message in catalog if message.id and not filled(message)]
        print(f"{language}: {len(catalog)} strings, {len(waiting)} without a translation", *waiting, sep="\n  ")


def languages() -> list[str]:
    """The locale of every language that the program is translated into."""
    return [to_locale(code) for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def file_of(language: str) -> Path:
    """The catalogue of a language."""
    return Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"


def extracted(app: Path = APP, scripts: Path = ASSETS / "src") -> Catalog:
    """All strings that are marked for translation."""
    catalog = Catalog(charset="utf-8")
    for folder, pattern, marked in (
        (app, "*.py", _in_python),
        (app, "mayfly/pages/templates/**/*.html", _in_jinja),
        (scripts, "*.js", _in_script),
    ):
        for file in sorted(folder.rglob(pattern)):
            for _, string, _, context in marked(file.read_bytes()):
                catalog.add(string, context=context)
    return catalog


def updated(language: str, used: Catalog) -> Catalog:
    """The catalogue of a language with the strings that are used and no others, and the translations there are."""
    file = file_of(language)
    if file.exists():
        with file.open("rb") as source:
            catalog = read_po(source, locale=language)
    else:
        catalog = Catalog(locale=language, charset="utf-8")
    catalog.update(used, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date = catalog.revision_date = ALWAYS
    return catalog


def filled(message: Message) -> bool:
    """Whether a string is translated, in all its plural forms."""
    strings = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(strings) and not message.fuzzy


def po(catalog: Catalog) -> bytes:
    """The catalogue as the bytes of a .po file, the same for the same strings."""
    out = BytesIO()
    catalog.header_comment = ""
    catalog.fuzzy = False
    write_po(out, catalog, no_location=True, sort_output=True, width=120)
    lines = out.getvalue().decode().splitlines(keepends=True)
    keep = [line for line in lines if not line.startswith('"') or ": " not in line or line[1:].startswith(HEADER)]
    return "".join(keep).lstrip("#\n").encode()


def mo(catalog: Catalog) -> bytes:
    """The catalogue as the bytes of a .mo file."""
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def _in_python(source: bytes) -> Iterator[Found]:
    return extract("python", BytesIO(source), KEYWORDS)


def _in_jinja(source: bytes) -> Iterator[Found]:
    return extract("jinja2", BytesIO(source), KEYWORDS, options=JINJA)


def _in_script(source: bytes) -> Iterator[Found]:
    return extract("javascript", BytesIO(source), SCRIPT_KEYWORDS, options=SCRIPT)


if __name__ == "__main__":
    call(main)
