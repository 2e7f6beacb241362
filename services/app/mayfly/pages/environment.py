"""The Jinja2 environment of the pages: what every template can call, beside the context that its view gives."""

from functools import cache, cached_property, lru_cache, partial
from typing import Any

from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext
from jinja2 import StrictUndefined
from jinja2.runtime import Macro

from .. import __version__, links
from ..uploads.limits import FORM_FILES, PASSWORD_LENGTH, TITLE_LENGTH, limits
from . import formats, words
from .compiling import PLACE, ByLanguage, LanguageEnvironment


def environment(**options: Any) -> ByLanguage:
    """The environments for Django's backend, which names this function in TEMPLATES."""
    return ByLanguage(partial(_environment, options))


def _environment(options: dict[str, Any]) -> LanguageEnvironment:
    """The environment of one language.

    A translation is text like any other: it is escaped where it is written out, so a quote in it closes no attribute.
    """
    made = LanguageEnvironment(**options | {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True})  # noqa: S701
    made.install_gettext_callables(gettext, lru_cache(1000)(ngettext))  # type: ignore[attr-defined]  # jinja2.ext.i18n adds it
    made.globals.update(
        _=gettext,
        static=static,
        url=url,
        words=words.element,
        kept=kept,
        limits=limits,
        title_length=TITLE_LENGTH,
        password_length=PASSWORD_LENGTH,
        long=formats.LONG,
        form_files=FORM_FILES,
        languages=settings.LANGUAGES,
        shared_box=settings.SHARED_BOX,
        version=__version__,
    )
    made.filters.update(
        {
            name: getattr(formats, name)
            for name in (
                "short_span",
                "seconds",
                "moment",
                "clock",
                "sort_of",
                "filled",
                "fade",
                "cut",
                "looks",
                "together",
            )
        }
        | {name: partial(getattr(formats, name), language=get_language()) for name in ("size", "span", "left", "keep")}
    )
    return made


class Visit:
    """A page's view of its request. Each value is made once, when a template first asks for it."""

    def __init__(self, request: HttpRequest):
        self._request = request
        self.path = request.path
        # The part of a list that this page is, for forms on it.
        self.query = request.META.get("QUERY_STRING", "") if request.method == "GET" else ""
        self.here = f"{self.path}?{self.query}" if self.query else self.path

    @cached_property
    def language(self) -> str | None:
        return get_language()

    @cached_property
    def csrf(self) -> SafeString:
        """The hidden field that proves a form to be ours; all forms of a page may have the same."""
        return format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(self._request))

    @cached_property
    def origin(self) -> str:
        """The site's address without a slash at its end. Raises DisallowedHost if the request names another site."""
        return links.site(self._request)

    @cached_property
    def code_page(self) -> str:
        """The page for an upload's words, as people type its address."""
        return self.origin.partition("://")[2] + url("code")

    def absolute(self, address: str) -> str:
        """The address with the site's own before it, unless it has one. Raises DisallowedHost."""
        return links.absolute(self._request, address)

    @cached_property
    def messages(self) -> BaseStorage | list[Any]:
        found = get_messages(self._request)
        # To read them deletes their cookie, even if the browser has none.
        return found if len(found) else []

    @cached_property
    def again(self) -> str:
        """Where a change of the language leads back to: this page, if it can be asked for again."""
        return self._request.get_full_path() if self._request.method == "GET" else url("home")


def visit(request: HttpRequest) -> dict[str, Visit]:
    """The context processor of the pages."""
    return {"visit": Visit(request)}


@cache
def static(path: str) -> str:
    """The address of a static file."""
    return staticfiles_storage.url(path)


def url(name: str, upload_id: str | None = None) -> str:
    """The path of a route, and of an upload's own route if it has an id in it."""
    return _path(name) if upload_id is None else _path_with_place(name).replace(PLACE, upload_id)


@lru_cache(100)
def kept(macro: Macro, *values: Any) -> str:
    """The HTML of the macro for these values, kept from the first time.

    It is for macros that write nothing of a visitor, in a file that others import: each language has one of those.
    """
    return macro(*values)


@cache
def _path(name: str) -> str:
    return reverse(name)


@cache
def _path_with_place(name: str) -> str:
    return reverse(name, args=[PLACE])
