"""`make messages`: it finds every string that is marked for translation. tests/app/test_languages.py has the rest."""

import pytest

from tools import messages


@pytest.fixture
def found(tmp_path):
    """The strings in one file of the program, or of the browser's scripts."""

    def strings(name: str, text: str) -> set:
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
        catalog = messages.extracted(tmp_path / "app", tmp_path / "src")
        return {(message.id, message.context) if message.context else message.id for message in catalog if message.id}

    return strings


def test_strings_of_python_are_found_with_plural_and_context(found):
    assert found(
        "app/mayfly/uploads/rules.py",
        """
        _("one"); gettext("two"); gettext_lazy("three"); gettext_noop("four")
        ngettext("%d file", "%d files", n); ngettext_lazy("day", "days", n); pgettext("a month", "May")
        other("no"); _(name)
        """,
    ) == {"one", "two", "three", "four", ("%d file", "%d files"), ("day", "days"), ("May", "a month")}


def test_strings_of_jinja_templates_are_found(found):
    assert found(
        "app/mayfly/pages/templates/lists/images.html",
        """
        {% extends "base.html" %}
        <h1>{{ _("My Images") }}</h1> {{ ngettext("%(n)s image", "%(n)s images", n) }}
        {% trans %}Delete all{% endtrans %}
        {% trans count=n %}{{ count }} file{% pluralize %}{{ count }} files{% endtrans %}
        {% macro card(upload) %}{{ gettext("expires") }}{% endmacro %}
        """,
    ) == {
        "My Images",
        ("%(n)s image", "%(n)s images"),
        "Delete all",
        ("%(count)s file", "%(count)s files"),
        "expires",
    }


def test_a_jinja_template_that_cannot_be_read_is_an_error(found):
    with pytest.raises(Exception, match="unclosed translation block"):
        found("app/mayfly/pages/templates/a.html", "{% trans %}Delete all")


def test_strings_of_the_browsers_scripts_are_found(found):
    assert found(
        "src/page/index.js",
        """
        import { t, tn } from "./words.js";
        export const words = () => [t("Uploading"), tn("%d file", "%d files", n), `${_("paused")}`, /t("no")/];
        gettext('two'); ngettext("a day", "days", n); set("no"); at("no");
        """,
    ) == {"Uploading", ("%d file", "%d files"), "paused", "two", ("a day", "days")}
