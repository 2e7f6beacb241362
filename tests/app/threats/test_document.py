"""docs/threats.md has every case that Mayfly must answer, each with the tests that prove it."""

from pathlib import Path

from tools.threats import cases_in, proofs, with_proofs

DOCUMENT = Path(__file__).parents[3] / "docs" / "threats.md"
CASES = [*range(1, 77), *range(81, 87), *range(88, 92), 93, *range(94, 112)]


def test_every_case_is_in_the_document_once_and_in_order():
    assert cases_in(DOCUMENT.read_text()) == CASES


def test_every_case_lists_exactly_the_tests_that_name_it():
    text = DOCUMENT.read_text()
    assert text == with_proofs(text, proofs()), "run bin/threats to bring docs/threats.md up to date"
