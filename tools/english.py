"""Check the English of the repository: `bin/english`.

The rules are those in CONTRIBUTING.md that a program can check. Prose is taken from Markdown, .env.var, docstrings,
comments, the text of pages and the messages of the catalogues.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from .prose import Passage, passages_of, sentences

ROOT = Path(__file__).resolve().parent.parent
LONGEST_NAME = 70  # characters of a test's name, so that a failed test fits in one line of the report
LONGEST_SENTENCE = 25  # words
# Documents that must stay short, with the words that each may have.
WORDS = {"docs/architecture.md": 1400}
# The sentences of these files have a limit on their length. A comment in code may quote a command or a formula.
MEASURED = (".md", ".env.var")
OPENINGS = re.compile(r"(Of|Who|Whom|Whose|Whoever|One that|One who|What)\b")
QUESTION = re.compile(r".*\?\W*$", re.DOTALL)
LETTERS = re.compile(r"\w")


def main(arguments: list[str]) -> int:
    """Print a line for each finding in these files, or in all files that git knows. Returns the exit status."""
    found = [finding for path in arguments or known_to_git() for finding in findings(path, ROOT / path)]
    for path, line, message in found:
        print(f"{path}:{line}: {message}")
    return 1 if found else 0


def known_to_git() -> list[str]:
    """Every file that is tracked or would be added."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(path for path in listed.stdout.splitlines() if (ROOT / path).is_file())


def findings(path: str, file: Path) -> Iterator[tuple[str, int, str]]:
    """Path, line and message of each finding in one file. Files without prose have none."""
    try:
        text = file.read_text()
    except UnicodeDecodeError:
        return
    extract = passages_of(path, text)
    if extract is None:
        return
    for line, message in checked(path, text, extract):
        yield path, line, message


def checked(path: str, text: str, extract: Callable[[str], Iterator[Passage]]) -> list[tuple[int, str]]:
    """Line and message of each finding in this text, in the order of the lines."""
    measured = path.endswith(MEASURED)
    found = [
        (line, message)
        for passage in extract(text)
        for line, sentence in sentences(passage)
        for message in faults(sentence, measured=measured)
    ]
    if path.startswith("tests/") and path.endswith(".py"):
        found += long_names(text)
    if path in WORDS and (count := len(text.split())) > WORDS[path]:
        found.append((1, f"{count} words, of at most {WORDS[path]}"))
    return sorted(found)


def faults(sentence: str, *, measured: bool = False) -> Iterator[str]:
    """The faults of one sentence; `measured` adds the limit on its length."""
    opening = OPENINGS.match(sentence)
    if opening and not QUESTION.match(sentence):
        yield f"a sentence begins with {opening[0]!r}: {start_of(sentence)}"
    words = [word for word in sentence.split() if LETTERS.search(word)]
    if measured and len(words) > LONGEST_SENTENCE:
        yield f"a sentence has {len(words)} words, of at most {LONGEST_SENTENCE}: {start_of(sentence)}"


def start_of(sentence: str) -> str:
    """The first words of a sentence, on one line."""
    words = sentence.split()
    return " ".join(words[:8]) + (" …" if len(words) > 8 else "")


def long_names(text: str) -> Iterator[tuple[int, str]]:
    """The tests in this module whose names are too long."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_") and len(node.name) > LONGEST_NAME:
            yield node.lineno, f"a test's name has {len(node.name)} characters, of at most {LONGEST_NAME}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
