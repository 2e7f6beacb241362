"""Templates are compiled once for each language, with all that a language settles already in them.

A third of the calls in a page ask for a text, a static file or a route by a literal, and give the same in every page.
Once the compiler knows their results, it also escapes them and joins them with the HTML around them.
"""

from collections.abc import Callable, Iterator, MutableMapping
from functools import cache
from typing import Any

from django.utils.translation import get_language
from jinja2 import Environment, Template
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

# The globals whose result follows from the language and a literal alone, and the tokens of such a call.
SETTLED = ("_", "static", "url")
LITERAL_CALL = ["name", "lparen", "string", "rparen"]


class Settled(Extension):
    """Replaces `_("Title")` by its result while a template is compiled, in the language that is active then.

    To the compiler the result is a literal string: like any other, it is escaped where it is written out.
    """

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        tokens = list(stream)
        place = 0
        while place < len(tokens):
            call = tokens[place : place + len(LITERAL_CALL)]
            if call[0].value in SETTLED and [token.type for token in call] == LITERAL_CALL:
                settle: Callable[[str], str] = self.environment.globals[call[0].value]  # type: ignore[assignment]  # any
                yield Token(call[0].lineno, "string", settle(call[2].value))
                place += len(call)
            else:
                yield call[0]
                place += 1


class LanguageEnvironment(Environment):
    """The environment of one language."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's own globals, because no template has others of its own.

        Jinja2 would chain them to an empty mapping, and copying such a chain at each import is slow.
        """
        return super().make_globals(d) if d else self.globals


class ByLanguage:
    """An environment to Django's backend, which takes each template from that of the active language."""

    def __init__(self, make: Callable[[], Environment]):
        self._of_language = cache(lambda language: make())

    def get_template(self, name: str) -> Template:
        """The template, compiled in the active language. Raises TemplateNotFound."""
        return self._of_language(get_language()).get_template(name)

    def from_string(self, source: str) -> Template:
        """A template with this source, compiled in the active language."""
        return self._of_language(get_language()).from_string(source)
