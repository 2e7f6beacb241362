"""English, Brazilian Portuguese and Spanish: every string is there, and the visitor's language is found."""

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import override

from mayfly.uploads.formats import format_size
from mayfly.uploads.limits import MB
from tools import messages

from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("language", messages.languages())
def test_every_string_is_translated_and_none_is_fuzzy(language):
    catalog = messages.updated(language, messages.extracted())
    assert len(catalog) > 50
    assert [message.id for message in catalog if message.id and not messages.filled(message)] == []
    assert [message.id for message, errors in catalog.check()] == []
    # A place for something is in the translation too.
    for message in catalog:
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        sources = message.id if isinstance(message.id, tuple) else (message.id,)
        assert all(text.count("{}") == sources[0].count("{}") for text in strings), message.id


@pytest.mark.parametrize("language", messages.languages())
def test_what_is_committed_is_what_make_messages_writes(language):
    file = messages.file_of(language)
    catalog = messages.updated(language, messages.extracted())
    assert file.read_bytes() == messages.po(catalog)
    assert file.with_suffix(".mo").read_bytes() == messages.mo(catalog)


def test_a_line_in_the_settings_is_enough_for_a_new_language(settings, tmp_path, capsys):
    settings.LANGUAGES = [("en", "English"), ("pt-br", "Português"), ("fr", "Français")]
    settings.LOCALE_PATHS = [tmp_path]
    messages.write()
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["fr", "pt_BR"]
    text = (tmp_path / "fr/LC_MESSAGES/django.po").read_text()
    assert '"Language: fr\\n"' in text
    assert 'msgid "My Images"\nmsgstr ""\n' in text
    assert "\n  My Images\n" in capsys.readouterr().out
    assert (tmp_path / "fr/LC_MESSAGES/django.mo").exists()


@pytest.mark.parametrize(
    ("accepted", "language", "title"),
    [
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-br", "Minhas imagens"),
        ("pt", "pt-br", "Minhas imagens"),
        ("es-AR", "es", "Mis imágenes"),
        ("en-GB", "en", "My Images"),
        ("fr", "en", "My Images"),
    ],
)
def test_the_browsers_language_is_the_pages(accepted, language, title):
    text = Client(headers={"Accept-Language": accepted}).get("/images/").content.decode()
    assert f'<html lang="{language}">' in text
    assert f"<h1>{title}</h1>" in text


def test_the_switch_outlasts_the_browsers_choice():
    browser = Client(headers={"Accept-Language": "es"})
    response = browser.post("/language/", {"language": "pt-br", "next": "/files/"})
    assert (response.status_code, response["Location"]) == (302, "/files/")
    assert "Meus arquivos" in browser.get("/files/").content.decode()


def test_the_switch_leads_nowhere_else():
    response = Client().post("/language/", {"language": "es", "next": "https://evil.example/"})
    assert response["Location"] == "/"


def test_an_error_is_told_in_the_callers_language(owner):
    browser = Client(headers={"Accept-Language": "es"} | owner.headers)
    answer = browser.post("/api/uploads", {"kind": "file", "name": "a", "size": 0}, content_type="application/json")
    assert answer.json()["error"]["message"] == "Este archivo está vacío. Elija uno que contenga algo."


@pytest.mark.parametrize(("language", "told"), [("en", "4.1 GB"), ("pt-br", "4,1 GB"), ("es", "4,1 GB")])
def test_sizes_are_written_as_the_language_does(language, told):
    with override(language):
        assert format_size(4_096 * MB) == told
        assert format_size(999_700_000) == "1000 MB"


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
def test_numbers_for_scripts_and_addresses_are_the_same_in_each(owner, language):
    owner.upload(PNG, kind="image", lifetime=3600)
    browser = owner.browser
    browser.cookies["django_language"] = language
    text = browser.get("/images/").content.decode()
    assert 'data-life="3600.0"' in text
