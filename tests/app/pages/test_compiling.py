"""Templates are compiled once a language, with its texts in them."""

from itertools import count

import markupsafe
import pytest
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy, override
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader
from markupsafe import Markup

from mayfly.pages.compiling import escape
from mayfly.pages.environment import environment
from mayfly.uploads.choices import Kind

OPTIONS = {"autoescape": True, "extensions": ["jinja2.ext.i18n", "mayfly.pages.compiling.Settled"]}


@pytest.mark.parametrize(
    ("language", "text"), [("en", "My Images"), ("pt-br", "Minhas imagens"), ("es", "Mis imágenes")]
)
def test_a_literal_text_is_translated_once_a_language(language, text):
    environments = environment(**OPTIONS)
    with override(language):
        template = environments.from_string('{{ _("My Images") }}')
    with override("en"):
        assert template.render() == text


def test_a_template_is_compiled_once_for_each_language():
    environments = environment(**OPTIONS, loader=DictLoader({"page": ""}))
    compiled = []
    for language in ("en", "es", "en"):
        with override(language):
            compiled.append(environments.get_template("page"))
    assert compiled[0] is compiled[2]
    assert compiled[0] is not compiled[1]


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ('{{ _("<b> \\"a\\" & \'b\'") }}', "&lt;b&gt; &#34;a&#34; &amp; &#39;b&#39;"),
        ('{{ _("%(name)s <b>")|format(name=name) }}', "&lt;i&gt; &lt;b&gt;"),
        ('{{ _("<b>") ~ name }}', "&lt;b&gt;&lt;i&gt;"),
        ('{{ url("share", name) }}', "/u/&lt;i&gt;/"),
        ('{{ url("share", name)|upper }}', "/U/&lt;I&gt;/"),
        ('{{ _("{} left, of {}")|filled(name) }}', "&lt;i&gt; left, of &lt;i&gt;"),
        ('{{ _("100 %% %(name)s")|format(name=name) }}', "100 % &lt;i&gt;"),
        ('{{ url("images") }}', "/images/"),
        ("{{ _(name) }}", "&lt;i&gt;"),
    ],
)
def test_what_is_settled_is_escaped_like_any_other_text(source, written):
    assert environment(**OPTIONS).from_string(source).render(name="<i>") == written


def test_what_no_expression_calls_stays_as_it_is():
    source = '<p>_("My Images")</p>{# _("My Images") #}{{ "_(\\"My Images\\")" }}'
    with override("es"):
        assert "Mis" not in environment(**OPTIONS).from_string(source).render()


@given(st.text(alphabet="ab1 .&<>'\"é\u2028"))
def test_a_text_is_escaped_as_jinja_escapes_it(text):
    assert escape(text) == markupsafe.escape(text)


@pytest.mark.parametrize(
    "value", [None, 5, 1.5, Kind.IMAGE, Markup("<b>"), mark_safe("<b>"), gettext_lazy("<b>"), [">"]]
)
def test_any_other_value_is_escaped_as_jinja_escapes_it(value):
    assert escape(value) == markupsafe.escape(value)


def test_a_traceback_names_the_line_of_the_template():
    template = environment(**OPTIONS).from_string("first\n\n{{ url('images') }} {{ 1 / nothing }}")
    with pytest.raises(ZeroDivisionError) as raised:
        template.render(nothing=0)
    assert raised.traceback[-1].lineno + 1 == 3


def test_what_a_macro_writes_is_kept_for_its_values():
    files = {
        "macros": "{% macro line(place) %}{{ place }} {{ next() }}{% endmacro %}",
        "page": '{% from "macros" import line %}{{ kept(line, "<a>") }} {{ kept(line, "<b>") }}',
    }
    environments = environment(**OPTIONS, loader=DictLoader(files))
    numbers = count()
    template = environments.get_template("page")
    template.globals["next"] = lambda: next(numbers)
    assert [template.render() for _ in range(2)] == ["&lt;a&gt; 0 &lt;b&gt; 1"] * 2
