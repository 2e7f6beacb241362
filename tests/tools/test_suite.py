"""The tests themselves: modules of tests stay apart, so that one can be split or renamed without breaking another."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools.paths import ROOT

TESTS = Path(__file__).parents[1]


def test_no_module_imports_from_a_module_of_tests():
    """Helpers are in tests/support, or in a conftest.py."""
    assert [found for file in TESTS.rglob("*.py") for found in imports_of_tests(file)] == []


def imports_of_tests(file: Path) -> list[str]:
    """The lines of this module that import from a module of tests."""
    return [
        f"{file.relative_to(TESTS)}:{node.lineno}"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom) and names_a_test(node)
    ]


def names_a_test(node: ast.Import | ast.ImportFrom) -> bool:
    """Whether a part of an imported module's name begins with test_, or a name imported from a package does."""
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        names.append(node.module or "")
    return any(part.startswith("test_") for name in names for part in name.split("."))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from .test_a import b", True),
        ("from . import test_a", True),
        ("import tests.app.test_a", True),
        ("from .conftest import b", False),
        ("from ..support.testing import b", False),
        ("import pytest", False),
    ],
)
def test_an_import_from_a_module_of_tests_is_found(line, found):
    assert names_a_test(ast.parse(line).body[0]) is found


def test_chromium_is_told_of_no_network_that_comes_or_goes():
    tries = (
        "import errno, socket, unaware\n"
        "unaware.refuse_netlink()\n"
        "socket.socket(socket.AF_INET).close()\n"
        "try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)\n"
        "except OSError as error: print(errno.errorcode[error.errno])"
    )
    done = subprocess.run(
        [sys.executable, "-c", tries],
        env={"PYTHONPATH": str(ROOT / "tests/support")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "EAFNOSUPPORT\n"
