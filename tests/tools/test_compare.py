"""docs/compare.md: its tables fit together, and every test that it names exists."""

import ast
import re
from functools import cache

import pytest

from ..support.configuration import ROOT

TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def table(heading: str) -> list[list[str]]:
    """The cells of the table under this heading, the row of names first."""
    section = (ROOT / "docs/compare.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[:1] + rows[2:]]


FEATURES = table("Feature by feature")
PROOFS = table("The tests of Mayfly's column")[1:]


@cache
def functions(path: str) -> set[str]:
    """The names of all functions in a file of the repository; none if there is no such file."""
    file = ROOT / path
    if not file.is_file():
        return set()
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_row_has_a_cell_for_each_project():
    assert {len(row) for row in FEATURES} == {len(FEATURES[0])}
    assert all(cell for row in FEATURES for cell in row)


def test_every_project_has_its_sources():
    assert [row[0] for row in table("Sources")[1:]] == FEATURES[0][2:]


def test_all_that_mayfly_claims_has_tests():
    claimed = [row[0] for row in FEATURES[1:] if row[1] != "no" and row[0] != "licence"]
    assert [row[0] for row in PROOFS] == claimed


@pytest.mark.parametrize(("feature", "tests"), PROOFS, ids=[row[0] for row in PROOFS])
def test_every_test_that_proves_a_feature_exists(feature, tests):
    named = TEST.findall(tests)
    assert named
    assert TEST.sub("", tests).strip(" ,") == ""
    assert [(path, name) for path, name in named if name not in functions(path)] == []
