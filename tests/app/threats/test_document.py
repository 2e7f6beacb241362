"""docs/threats.md names tests that exist, for every case that it has to answer, and no test names another case."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Passwords, reports of abuse: the page says that they are not there yet.
LATER = {38, 42}
ROW = re.compile(r"^\| (\d+) \|[^|]+\|[^|]+\|([^|]+)\|$", re.MULTILINE)
NAMED = re.compile(r"\b[Cc]ases? (\d+(?:(?:,| and|, and) \d+)*)")


def table() -> list[tuple[int, list[str]]]:
    """The rows of the document: each case, and the tests that are named as its proof."""
    text = (ROOT / "docs/threats.md").read_text()
    rows = [(int(case), re.findall("`([^`]+)`", tests)) for case, tests in ROW.findall(text)]
    assert len(rows) == text.count("\n|") - 2, "a row of the table is not read"
    return rows


def named_in(node: ast.Module | ast.FunctionDef) -> set[int]:
    """The cases that its docstring names."""
    return {int(case) for named in NAMED.findall(ast.get_docstring(node) or "") for case in re.findall(r"\d+", named)}


def cases_of_tests() -> dict[str, set[int]]:
    """Every test, as `path::name`, and the cases that it names, or else its file. Read, not run: no stack is needed."""
    modules = {file: ast.parse(file.read_text()) for file in (ROOT / "tests").rglob("test_*.py")}
    return {
        f"{file.relative_to(ROOT)}::{node.name}": named_in(node) or named_in(module)
        for file, module in modules.items()
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_case_is_in_the_document_once_and_in_order():
    assert [case for case, _ in table()] == [case for case in range(1, 57) if case not in LATER]


def test_every_test_in_the_document_exists_and_names_the_case_that_it_proves():
    tests = cases_of_tests()
    for case, proofs in table():
        assert proofs, f"case {case} has no proof"
        for proof in proofs:
            assert proof in tests, f"case {case}: there is no {proof}"
            assert case in tests[proof], f"case {case} is named neither by {proof} nor by its file"


def test_every_case_that_a_test_names_is_in_the_document():
    told = {case for case, _ in table()}
    untold = {test: sorted(cases - told) for test, cases in cases_of_tests().items() if not cases <= told}
    assert untold == {}
