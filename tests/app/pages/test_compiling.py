"""Templates are compiled once a language, with its texts in them."""

import pytest
from django.utils.translation import override
from jinja2 import DictLoader

from mayfly.pages.environment import environment

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
