"""The texts of the upload script: every one has a translation, and each page carries those of its language."""

import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils.translation import override

from mayfly.pages import words

pytestmark = pytest.mark.django_db(transaction=True)

PLACES = re.compile(r"%?\{\w+\}")
# These read as in English.
SAME = {"es": {"{name}: {text}", "{size}/s"}, "pt-br": {"{name}: {text}", "{size}/s", "{n} download"}}


def listed() -> list[list[str]]:
    """Every text that the script translates: [text], or [singular, plural]."""
    texts = json.loads(Path(finders.find(words.LIST)).read_text())
    return [[text] if isinstance(text, str) else text for text in texts]


def form_of(plural: str, number: int) -> int:
    """As `formOf` in words.js."""
    return int(plural[number if number < 100 else 100 + number % 100])


def carried(path: str, language: str) -> dict | None:
    """The content of the page's `words` element, if it has one."""
    page = Client(headers={"Accept-Language": language}).get(path).content.decode()
    found = re.search(r'<script id="words" type="application/json">(.*?)</script>', page)
    return found and json.loads(found[1])


@pytest.mark.parametrize("language", SAME)
def test_every_text_of_the_script_is_translated(language):
    with override(language):
        texts = words.words()["texts"]
    assert {text for text, *_ in listed()} - set(texts) == SAME[language]
    assert len(texts) > 50


@pytest.mark.parametrize("language", SAME)
def test_a_translation_names_the_same_values_as_its_text(language):
    with override(language):
        texts = words.words()["texts"]
    for text, translation in texts.items():
        for form in [translation] if isinstance(translation, str) else translation:
            assert sorted(PLACES.findall(form)) == sorted(PLACES.findall(text)) or "{n}" in form, text


@pytest.mark.parametrize(
    ("language", "number", "text"),
    [
        ("es", 0, "Caben {n} imágenes."),
        ("es", 1, "Cabe una imagen."),
        ("es", 101, "Caben {n} imágenes."),
        ("pt-br", 0, "Cabe uma imagem."),
        ("pt-br", 2, "Cabem {n} imagens."),
        ("pt-br", 1000, "Cabem {n} imagens."),
    ],
)
def test_each_number_takes_its_plural_form(language, number, text):
    with override(language):
        found = words.words()
    forms = found["texts"]["One image fits. Left out: {names}."]
    assert forms[form_of(found["plural"], number)].startswith(text)


def test_an_upload_page_carries_the_texts_of_its_language():
    for path in ("/images/", "/files/"):
        assert carried(path, "es")["texts"]["Cancel"] == "Cancelar"
        assert carried(path, "pt-BR")["texts"]["Retry"] == "Tentar novamente"
        assert carried(path, "en") is None


def test_a_page_without_the_script_carries_no_texts():
    assert carried("/u/00000000-0000-0000-0000-000000000000/", "es") is None
