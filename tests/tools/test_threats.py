"""The list of proofs in docs/threats.md, made from small documents and tests."""

import pytest

from tools.threats import cases_of, command_for, proofs, with_proofs

DOCUMENT = "# Threats\n\n## 1. First\n\n- **Risk.** A.\n- **Proof.** old\n  lines.\n\n## 2. Second\n\n- **Proof.**\n"


def test_a_docstring_names_one_case_or_several():
    text = """
def test_one(): "Case 1: a reason."
def test_two(): "Cases 2, 3 and 14."
def test_none(): "In any case."
"""
    assert dict(cases_of(text)) == {"test_one": {1}, "test_two": {2, 3, 14}, "test_none": set()}


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("tests/app/uploads/test_a.py", "make test"),
        ("tests/stack/test_a.py", "make test-stack"),
        ("tests/stack/browser/test_a.py", "make test-stack"),
        ("tests/stack/chaos/test_a.py", "make test-faults"),
        ("tests/stack/dyno/test_a.py", "make test-dyno"),
    ],
)
def test_a_folder_has_the_command_that_runs_it(path, command):
    assert command_for(path) == command


def test_proofs_are_read_from_the_tree(tmp_path):
    folder = tmp_path / "tests" / "app"
    folder.mkdir(parents=True)
    (folder / "test_a.py").write_text('def test_x():\n    """Case 7."""\n')
    assert proofs(tmp_path) == {7: {"make test": {"test_x"}}}


def test_each_case_gets_its_own_proofs_and_nothing_else_changes():
    found = {1: {"make test": {"test_b", "test_a"}, "make test-faults": {"test_c"}}, 2: {"make test": {"test_d"}}}
    assert with_proofs(DOCUMENT, found) == (
        "# Threats\n\n## 1. First\n\n- **Risk.** A.\n- **Proof.** `make test`:\n  `test_a`,\n  `test_b`;\n"
        "  `make test-faults`:\n  `test_c`.\n\n## 2. Second\n\n- **Proof.** `make test`:\n  `test_d`.\n"
    )
    assert with_proofs(with_proofs(DOCUMENT, found), found) == with_proofs(DOCUMENT, found)


@pytest.mark.parametrize(
    ("document", "cases", "message"),
    [
        (DOCUMENT, [1, 2, 3], "not in the document"),
        (DOCUMENT, [1], "no test names"),
        (DOCUMENT.replace("- **Proof.**\n", ""), [1, 2], "lines of proof"),
    ],
)
def test_a_document_that_does_not_fit_the_tests_is_an_error(document, cases, message):
    with pytest.raises(ValueError, match=message):
        with_proofs(document, {case: {"make test": {"test_a"}} for case in cases})
