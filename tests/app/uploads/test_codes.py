"""Codes: four words for an upload, unique among those that live, read however people type them."""

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, count
from threading import Lock

import pytest
from django.core.files.storage import default_storage as storage
from django.db import IntegrityError, connection

from mayfly.uploads import codes, lifecycle, opening
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.codes import CODE_LENGTH, COUNT, TYPED_LENGTH, WORDS, codes_in, new_code
from mayfly.uploads.errors import NotAllowed, Unknown
from mayfly.uploads.models import Upload

from ...support.making import begin, expire, make_row, ready

pytestmark = pytest.mark.django_db(transaction=True)
begins = sys.modules["mayfly.uploads.lifecycle.begin"]  # its package gives the function of this name


def one_letter_apart(first: str, second: str) -> bool:
    """Whether one letter changed, added or missing makes one word the other."""
    if len(first) == len(second):
        return sum(a != b for a, b in zip(first, second, strict=True)) <= 1
    short, long = sorted((first, second), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def test_the_words_make_a_million_million_codes():
    """Case 84."""
    assert len(set(WORDS)) == len(WORDS) == 1024
    assert len(WORDS) ** COUNT == 2**40


def test_the_words_are_easy_to_say_and_to_tell_apart():
    assert all(word.isascii() and word.isalpha() and word.islower() and 4 <= len(word) <= 8 for word in WORDS)
    assert [pair for pair in combinations(WORDS, 2) if one_letter_apart(*pair)] == []


def test_a_code_is_four_words_and_fits_its_column():
    for _ in range(100):
        code = new_code()
        assert set(code.split("-")) <= set(WORDS)
        assert code.count("-") == 3
        assert len(code) <= CODE_LENGTH < TYPED_LENGTH


@pytest.mark.parametrize(
    "typed",
    [
        "amber-road-tulip-moon",
        "Amber Road Tulip Moon",
        "  AMBER\troad,  tulip. moon ",
        "amberroadtulipmoon",
        "amber ro ad tulip—moon",
        "ａｍｂｅｒ road tulip moon",
    ],
)
def test_case_spaces_and_hyphens_do_not_matter(typed):
    assert codes_in(typed) == ["amber-road-tulip-moon"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "four words"),
        ("amber road tulip", "four words"),
        ("amber road tulip moon moon", "four words"),
        ("12 34 !", "four words"),
        ("amber road tulp moon", "Do you mean tulip?"),
        ("ambre road tulip moon", "Do you mean amber?"),
        ("amber road tulip xyzzy", "xyzzy. Check its spelling."),
    ],
)
def test_a_typing_error_is_named(typed, words):
    with pytest.raises(NotAllowed) as refusal:
        codes_in(typed)
    assert words in str(refusal.value)
    assert (refusal.value.code, refusal.value.field) == ("no_code", "code")


def test_a_long_text_costs_no_more_than_a_code():
    with pytest.raises(NotAllowed):
        codes_in("moon" * 1_000_000)


def test_a_code_opens_its_upload_while_it_lives():
    """Case 84."""
    upload = begin()
    with pytest.raises(Unknown):
        opening.find_by_code(upload.code)
    other, mine = ready(), ready()
    assert opening.find_by_code(mine.code) == mine != other
    assert opening.find_by_code(mine.code.replace("-", " ").upper()) == mine
    expire(mine)
    with pytest.raises(Unknown):
        opening.find_by_code(mine.code)


def test_an_upload_that_is_gone_keeps_no_code():
    """Case 84."""
    upload = ready()
    lifecycle.remove(upload, storage=storage)
    gone = Upload.objects.get(pk=upload.pk)
    assert (gone.state, gone.code) == (State.GONE, None)
    with pytest.raises(Unknown):
        opening.find_by_code(upload.code)
    with pytest.raises(IntegrityError):
        Upload.objects.filter(pk=upload.pk).update(code=upload.code)


def test_no_two_uploads_have_one_code():
    make_row(code="amber-road-tulip-moon")
    make_row()
    make_row()
    with pytest.raises(IntegrityError):
        make_row(code="amber-road-tulip-moon")


def test_fifty_begins_at_once_have_fifty_codes(monkeypatch):
    numbers, lock = count(), Lock()

    def drawn() -> str:
        """Each of the first codes comes twice."""
        with lock:
            number = next(numbers)
        return str(number // 2 if number < 50 else number)

    monkeypatch.setattr(begins, "new_code", drawn)

    def attempt(_) -> str:
        try:
            return begin(kind=Kind.FILE).code
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(attempt, range(50)))
    assert len(set(found)) == 50
    assert next(numbers) > 50  # some were drawn twice


def test_a_begin_gives_up_where_no_code_is_free(monkeypatch):
    monkeypatch.setattr(begins, "new_code", lambda: "amber-road-tulip-moon")
    begin()
    with pytest.raises(IntegrityError):
        begin()
    assert Upload.objects.count() == 1


def test_words_that_can_be_read_in_two_ways_mean_both(monkeypatch):
    monkeypatch.setattr(codes, "_KNOWN", frozenset({"sun", "flower", "sunflower", "pot", "flowerpot", "tea"}))
    monkeypatch.setattr(codes, "_SIZES", [3, 6, 9])
    assert codes_in("tea tea sunflowerpot") == ["tea-tea-sun-flowerpot", "tea-tea-sunflower-pot"]
