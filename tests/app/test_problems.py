"""The table of problems: every error has its status, its code and words in every language."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.http import Http404
from django.http.request import UnreadablePostError
from django.utils.translation import gettext, override

import mayfly
from mayfly.problems import MOST_NUMBERS, NOT_ALLOWED, TABLE, Problem, Unanswerable, problem, problem_of
from mayfly.storage.folder.tokens import TokenExpired, TokenRefused
from mayfly.storage.protocol import StillAtWork, StorageError, TransferNotFound
from mayfly.uploads.errors import Busy, Crowded, Gone, NotAllowed, PartsMissing, Refused, Unknown

PACKAGE = Path(mayfly.__file__).parent
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\((\w+)\)")


def calls(*functions: str) -> Iterator[ast.Call]:
    """Every call of a function of these names in the program."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
                yield node


def names_in(*functions: str) -> list[str]:
    """The first argument of each of these calls, which has to be a string in place."""
    # `Unanswerable` hands the name that it was given on.
    found = [call.args[0] for call in calls(*functions) if not isinstance(call.args[0], ast.Name)]
    assert all(isinstance(name, ast.Constant) for name in found)
    return [name.value for name in found]


def test_every_entry_is_used_and_every_name_is_in_the_table():
    assert set(names_in("problem", "Unanswerable")) == set(TABLE)


def test_each_use_of_an_entry_fills_its_placeholders():
    for call in calls("problem", "Unanswerable"):
        if isinstance(call.args[0], ast.Constant):
            values = {keyword.arg for keyword in call.keywords} - {"headers", None}
            assert values == set(PLACEHOLDER.findall(TABLE[call.args[0].value].text)), call.args[0].value


def test_every_code_with_a_status_of_its_own_is_raised():
    assert set(NOT_ALLOWED) <= set(names_in("NotAllowed"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TABLE)
def test_every_text_is_translated(name, language):
    with override(language):
        for text in filter(None, (TABLE[name].text, TABLE[name].title)):
            translated = gettext(text)
            assert translated != text
            assert sorted(PLACEHOLDER.findall(translated)) == sorted(PLACEHOLDER.findall(text))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotAllowed("name", "No."), 400, "name"),
        (NotAllowed("too_large", "No."), 413, "too_large"),
        (NotAllowed("box_full", "No."), 413, "box_full"),
        (NotAllowed("address_full", "No."), 429, "address_full"),
        (Busy(), 503, "busy"),
        (Crowded(), 503, "busy"),
        (StillAtWork("secret"), 503, "busy"),
        (PartsMissing([2, 3]), 409, "parts_missing"),
        (Refused("No."), 422, "refused"),
        (Gone(), 410, "gone"),
        (Unknown(), 404, "not_found"),
        (Http404(), 404, "not_found"),
        (TransferNotFound("id"), 404, "transfer_ended"),
        (StorageError("secret"), 503, "storage"),
        (OSError("secret"), 503, "storage"),
        (UnreadablePostError("secret"), 400, "cut_off"),
        (TokenExpired(), 403, "link_refused"),
        (TokenRefused(), 403, "link_refused"),
        (Unanswerable("csrf"), 403, "csrf"),
        (Unanswerable("method", allowed="PUT"), 405, "method_not_allowed"),
    ],
    ids=repr,
)
def test_each_error_has_its_status_and_code(error, status, code):
    found = problem_of(error)
    assert (found.status, found.code) == (status, code)
    assert found.text
    assert "secret" not in found.message


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RuntimeError("x")])
def test_an_error_that_the_table_lacks_is_raised_again(error):
    with pytest.raises(type(error)):
        problem_of(error)


def test_an_outage_of_storage_says_when_to_try_again():
    assert problem_of(StorageError("x")).headers == {"Retry-After": "60"}


@pytest.mark.parametrize("error", [Busy(), Crowded(), StillAtWork("x")], ids=repr)
def test_a_complete_that_has_to_wait_is_asked_again_after_two_seconds(error):
    """Case 88."""
    assert problem_of(error).headers == {"Retry-After": "2"}


def test_missing_parts_are_listed_up_to_a_page_of_them():
    found = problem_of(PartsMissing(list(range(1, MOST_NUMBERS + 2))))
    assert found.missing == list(range(1, MOST_NUMBERS + 1))
    assert str(MOST_NUMBERS + 1) in found.text.replace(",", "")


def test_the_json_of_a_problem_holds_only_the_fields_it_has():
    plain = problem("gone").as_json()
    assert (plain.status_code, json.loads(plain.content)["error"].keys()) == (410, {"code", "message"})
    rich = Problem(400, "name", "A file needs a name.", field="name", missing=[], headers={"X-Test": "1"}).as_json()
    error = {"code": "name", "message": "A file needs a name.", "field": "name", "missing": []}
    assert json.loads(rich.content) == {"error": error}
    assert rich["X-Test"] == "1"


def test_the_message_of_a_page_has_its_title_in_front():
    assert problem("storage").message == "Storage does not answer. Try again in a minute."
    assert problem("gone").message == problem("gone").text
