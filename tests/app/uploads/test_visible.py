"""Characters that let a name look like another one, or that people cannot see."""

import sys
from unicodedata import category

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st

from mayfly.uploads.models import Upload
from mayfly.uploads.rules import clean_name, clean_title
from mayfly.uploads.visible import visible

from ...support.fuzzing import BOUNDED
from ...support.people import Person
from ...support.senders import by_api, by_curl, by_form, downloaded, saved_as

BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
FORMAT = "".join(character for character in map(chr, range(sys.maxunicode + 1)) if category(character) == "Cf")
UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u2800\u3164\ufe0f\uffa0\U000e0100\U000e0fff"
ODD = st.sampled_from([*FORMAT, *UNSEEN, *"\n\u2028a1.é", "🦋", "♀", "म", "\u094d", "س", "猫", "\u20e3", "\u0301"])


def test_no_format_character_stays_in_an_ascii_name():
    """Case 5."""
    assert set(BIDI_CONTROLS) < set(FORMAT)
    for character in FORMAT + UNSEEN:
        assert visible(f"{character}photo{character}gpj.{character}e{character}x{character}e{character}") == (
            "photogpj.exe"
        ), f"U+{ord(character):04X}"


@pytest.mark.parametrize("character", ["\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_a_line_break_becomes_an_underscore(character):
    assert clean_name(f"a{character}b.txt") == "a_b.txt"
    assert clean_title(f"a{character}b") == "a_b"


@pytest.mark.parametrize(
    "name",
    [
        "می\u200cخواهم.txt",
        "क\u094d\u200dष.txt",
        "क\u094d\u200cष.txt",
        "র\u200d\u09cdয.txt",
        "ශ\u0dca\u200dර\u0dd3.txt",
        "👩\u200d👩\u200d👧\u200d👦.png",
        "👩🏽\u200d🚀.png",
        "🏳\ufe0f\u200d🌈.png",
        "🙂\u200d↔\ufe0f.png",
        "1\ufe0f\u20e3.png",
        "葛\U000e0100城.txt",
        "ᠠ\u180b.txt",
        "שלום.pdf",
        "スクリーンショット\u30002026.png",
    ],
)
def test_a_name_keeps_what_its_script_needs(name):
    assert clean_name(name) == name


@pytest.mark.django_db
def test_a_name_of_unseen_characters_is_none(owner):
    answer = owner.post("/api/uploads", {"kind": "file", "name": "\u202e\u200b", "size": 1})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "name")


@settings(BOUNDED)
@given(st.lists(ODD, max_size=12).map("".join))
def test_no_unseen_character_follows_a_letter_of_ascii(text):
    shown = visible(text)
    assert visible(shown) == shown
    for before, character in zip(" " + shown, shown, strict=False):
        if category(character) == "Cf" or character in UNSEEN:
            keycap = before in "0123456789" and character == "\ufe0f"
            assert keycap or not before.isascii()
    assert not set(shown) & set(BIDI_CONTROLS + "\u200b\ufeff\u00ad\u2028")


LYING, SHOWN = "photo\u202egpj.exe", "photogpj.exe"


@pytest.mark.django_db
@pytest.mark.parametrize("send", [by_api, by_form, by_curl])
def test_every_edge_takes_a_name_without_its_override(owner: Person, send):
    """Case 5."""
    send(owner, b"MZ", "", name=LYING)
    upload = Upload.objects.get()
    assert upload.name == SHOWN
    assert saved_as(downloaded(upload.pk).headers["Content-Disposition"]) == SHOWN
    page = owner.browser.get(f"/u/{upload.pk}/").content.decode()
    assert SHOWN in page
    assert not set(page) & set(BIDI_CONTROLS)


@pytest.mark.django_db
def test_titles_of_form_and_api_lose_their_override(owner: Person):
    """Case 5."""
    owner.upload(title=LYING)
    owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x"), "title": LYING})
    assert set(Upload.objects.values_list("title", flat=True)) == {SHOWN}


@pytest.mark.django_db
def test_a_refusal_shows_the_name_without_its_override(owner: Person):
    """Case 5."""
    page = owner.browser.post("/files/", {"file": SimpleUploadedFile(LYING, b"")}).content.decode()
    assert f"{SHOWN}: This file is empty." in page
    assert not set(page) & set(BIDI_CONTROLS)
