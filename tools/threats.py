"""Write the list of proofs in docs/threats.md: `bin/threats`.

A test proves a case by naming it in its docstring: "Case 12: ..." or "Cases 17 and 29." The list shows the names of
tests and the command that runs them, but no paths, so a test may move without changing it.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "threats.md"
# The command that runs the tests of a folder; the first folder that matches counts.
COMMANDS = {
    "tests/stack/faults": "make test-faults",
    "tests/stack/chaos": "make test-faults",
    "tests/stack/dyno": "make test-dyno",
    "tests/stack/engines": "make test-engines",
    "tests/stack/front": "make test-front",
    "tests/stack": "make test-stack",
    "tests": "make test",
}
ORDER = list(dict.fromkeys(reversed(COMMANDS.values())))
NAMED = re.compile(r"\b[Cc]ases? (\d+(?:(?:,| and|, and) \d+)*)")
CASE = re.compile(r"^## (\d+)\. ", re.MULTILINE)
PROOF = re.compile(r"^- \*\*Proof\.\*\*.*?(?=\n\n|\n?\Z)", re.MULTILINE | re.DOTALL)

# For each case, for each command, the names of the tests.
Proofs = dict[int, dict[str, set[str]]]


def main() -> int:
    """Bring the document up to date. Returns the exit status."""
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(with_proofs(text, proofs()))
    return 0


def proofs(root: Path = ROOT) -> Proofs:
    """The tests below `root` that name a case. They are read, not run, so no stack is needed."""
    found: Proofs = defaultdict(lambda: defaultdict(set))
    for file in sorted((root / "tests").rglob("test_*.py")):
        command = command_for(file.relative_to(root).as_posix())
        for test, cases in cases_of(file.read_text()):
            for case in cases:
                found[case][command].add(test)
    return found


def command_for(path: str) -> str:
    """The command that runs the tests in this file."""
    return next(command for folder, command in COMMANDS.items() if path.startswith(f"{folder}/"))


def cases_of(text: str) -> Iterator[tuple[str, set[int]]]:
    """The tests of a module, each with the cases that its docstring names."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            docstring = ast.get_docstring(node) or ""
            yield node.name, {int(case) for named in NAMED.findall(docstring) for case in re.findall(r"\d+", named)}


def cases_in(text: str) -> list[int]:
    """The numbers of the cases in the document, in its order."""
    return [int(number) for number in CASE.findall(text)]


def with_proofs(text: str, found: Proofs) -> str:
    """The document with the proofs of each case as they are in the tests.

    Raises ValueError if a case has no line of proof, no test, or if a test names a case that is not in the document.
    """
    opening, *sections = re.split(r"(?m)^(?=## \d+\. )", text)
    cases = cases_in(text)
    if unknown := sorted(set(found) - set(cases)):
        raise ValueError(f"tests name cases that are not in the document: {unknown}")
    if unproven := [case for case in cases if case not in found]:
        raise ValueError(f"no test names these cases: {unproven}")
    for index, (case, section) in enumerate(zip(cases, sections, strict=True)):
        sections[index], count = PROOF.subn(lambda _, case=case: proof(found[case]), section)
        if count != 1:
            raise ValueError(f"case {case} has {count} lines of proof")
    return "".join([opening, *sections])


def proof(tests: dict[str, set[str]]) -> str:
    """The entry of one case: its tests by command, one a line."""
    groups = [
        f"`{command}`:\n" + ",\n".join(f"  `{name}`" for name in sorted(tests[command]))
        for command in ORDER
        if command in tests
    ]
    return "- **Proof.** " + ";\n  ".join(groups) + "."


if __name__ == "__main__":
    sys.exit(main())
