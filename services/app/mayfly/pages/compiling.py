"""Templates are compiled once for each language, with all that a language settles already in them.

A third of the calls in a page ask for a text, a static file or a route by a literal, and give the same in every page.
Once the compiler knows their results, it also escapes them and joins them with the HTML around them. So it does with
the address of an upload, whose id alone is then left to write.
"""

from collections.abc import Callable, Iterator, MutableMapping
from functools import cache
from types import CodeType
from typing import Any

import markupsafe
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from jinja2 import Environment, Template, nodes
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from ..uploads.ids import ID_LENGTH

# The globals whose result follows from the language and a literal alone, and the tokens of such a call.
SETTLED = ("_", "static", "url")
LITERAL_CALL = ["name", "lparen", "string", "rparen"]
PLACE = "0" * ID_LENGTH  # an id in the address of a route, until an upload's own takes its place
SAFE = (markupsafe.Markup, SafeString)


def escape(value: Any) -> str:
    """The value as HTML. Templates write every value through it.

    Jinja2's own makes a new text of a special class each time, although hardly any has a character to escape.
    """
    if type(value) in SAFE or (type(value) is str and (value.isalnum() or _is_plain(value))):
        return value  # type: ignore[no-any-return]  # it is a text
    return markupsafe.escape(value)


def _is_plain(text: str) -> bool:
    # Five searches by Python take less than one by a regular expression.
    return not ("&" in text or "<" in text or ">" in text or '"' in text or "'" in text)


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
    """The environment of one language.

    Jinja2 offers `_generate` and `_compile` as hooks for others.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's own globals, because no template has others of its own.

        Jinja2 would chain them to an empty mapping, and copying such a chain at each import is slow.
        """
        return super().make_globals(d) if d else self.globals

    def _generate(self, source: nodes.Template, *args: Any, **options: Any) -> str:
        for output in source.find_all(nodes.Output):
            output.nodes = [part for node in output.nodes for part in self._parts(node)]
        return super()._generate(source, *args, **options)

    def _compile(self, source: str, filename: str) -> CodeType:
        # In the line that imports Jinja2's, because its tracebacks count on the numbers of all others.
        first, end, rest = source.partition("\n")
        return super()._compile(f"{first}; from {__name__} import escape{end}{rest}", filename)

    def _parts(self, node: nodes.Expr) -> list[nodes.Expr]:
        """The node, or, if it puts values into a literal, the pieces of that and the values between them."""
        match node:
            case nodes.Call(node=nodes.Name(name="url"), args=[nodes.Const(value=name), value]):
                return _around(self.globals["url"](name, PLACE), PLACE, value)  # type: ignore[operator]  # a function
            case nodes.Filter(name="filled", node=nodes.Const(value=text), args=[value]):
                return _around(text, "{}", value)
            case nodes.Filter(name="format", node=nodes.Const(value=text), args=[], kwargs=[named]):
                place = f"%({named.key})s"
                if text.count("%") == text.count(place):
                    return _around(text, place, named.value)
        return [node]


def _around(text: str, place: str, value: nodes.Expr) -> list[nodes.Expr]:
    """The text with the value in all of these places."""
    first, *others = map(nodes.Const, text.split(place))
    return [first, *(part for other in others for part in (value, other))]


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
