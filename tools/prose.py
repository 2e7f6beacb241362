"""Find the prose in a file: paragraphs, docstrings, comments, the text of pages, messages."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A run of sentences, with its line breaks, and the line on which it begins."""

    line: int
    text: str


Extract = Callable[[str], Iterator[Passage]]
Line = tuple[int, str]

# A sentence ends before a capital letter, a digit or a quotation; "e.g. this" does not end one.
END = re.compile(r"[.!?][\"')\]*_]*\s+(?=[\"'(\[*_]*[A-Z0-9`])")
ITEM = re.compile(r"^\s*(?:[-*•]|\d+\.|@\w+)\s+")
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
VARIABLE = re.compile(r"#?\s*[A-Z][A-Z0-9_]*=")
RULER = re.compile(r"^\W*-{3,}|-{3,}\W*$")
HASH_FULL = re.compile(r"\s*#+@?(?:\s+(.*))?$")
HASH_TRAILING = re.compile(r"\S.*?\s#{1,2}\s+(.*)$")
SCRIPT = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|//(?P<line>[^\n]*)|/\*(?P<block>.*?)\*/""",
    re.DOTALL,
)
MESSAGE = re.compile(r'^msgid(?:_plural)? (".*"(?:\n".*")*)', re.MULTILINE)
UNSEEN = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
INLINE = re.compile(r"</?(?:a|abbr|b|bdi|code|em|i|kbd|small|span|strong|time)\b[^>]*>")
TAG = re.compile(r"<[^>]*>|\{#|#\}")
BREAK = "\0"


def passages_of(path: str, text: str) -> Extract | None:
    """The function that takes the prose out of such a file, or None if it holds none."""
    name = path.rpartition("/")[2]
    for endings, extract in EXTRACTS:
        if name.endswith(endings):
            return extract
    first = text.partition("\n")[0]
    if first.startswith("#!"):
        return python if "python" in first else hashes
    return None


def sentences(passage: Passage) -> Iterator[tuple[int, str]]:
    """The sentences of a passage, each with its line."""
    text = CODE.sub(lambda code: "`" + "x" * (len(code[0]) - 2) + "`", passage.text)
    start = 0
    for end in [*(match.end() for match in END.finditer(text)), len(text)]:
        piece = passage.text[start:end]
        sentence = piece.strip().lstrip("\"'([*_`")
        if sentence:
            blank = len(piece) - len(piece.lstrip())
            yield passage.line + passage.text.count("\n", 0, start + blank), LINK.sub(r"\1", sentence)
        start = end


def paragraphs(lines: Iterable[Line]) -> Iterator[Passage]:
    """Lines that follow each other, cut at blank lines and before the items of lists."""
    gathered: list[Line] = []
    for number, line in lines:
        follows = gathered and number == gathered[-1][0] + 1
        if gathered and (not follows or not line.strip() or ITEM.match(line)):
            yield joined(gathered)
            gathered = []
        if line.strip():
            gathered.append((number, ITEM.sub("", line, count=1)))
    if gathered:
        yield joined(gathered)


def joined(lines: list[Line]) -> Passage:
    return Passage(lines[0][0], "\n".join(line.strip() for _, line in lines))


def markdown(text: str) -> Iterator[Passage]:
    """Paragraphs, headings, items and the cells of tables; no code."""
    prose: list[Line] = []
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif fenced:
            continue
        elif line.startswith("|"):
            yield from (Passage(number, cell.strip()) for cell in line.strip("|").split("|") if cell.strip(" -:"))
        elif line.startswith("#"):
            yield Passage(number, line.lstrip("# "))
        else:
            prose.append((number, line.removeprefix("> ")))
    yield from paragraphs(prose)


def python(text: str) -> Iterator[Passage]:
    """Docstrings and comments."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node, clean=False)
            if docstring is not None:
                yield from paragraphs(enumerate(docstring.splitlines(), node.body[0].lineno))
    whole: list[Line] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
            line = token.start[0], token.string.lstrip("#").strip()
            if token.line.lstrip().startswith("#"):
                whole.append(line)
            else:
                yield Passage(*line)
    yield from paragraphs(whole)


def hashes(text: str) -> Iterator[Passage]:
    """Comments that begin with #, as in shell, YAML, Dockerfiles, Makefiles and .env.var."""
    whole: list[Line] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#!") or VARIABLE.match(line) or RULER.search(line):
            continue
        if full := HASH_FULL.match(line):
            whole.append((number, full[1] or ""))
        elif trailing := HASH_TRAILING.search(line):
            yield Passage(number, trailing[1])
    yield from paragraphs(whole)


def script(text: str) -> Iterator[Passage]:
    """Comments of JavaScript and CSS."""
    whole: list[Line] = []
    for match in SCRIPT.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        if match["line"] is not None:
            before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if before.strip():
                yield Passage(number, match["line"].strip())
            else:
                whole.append((number, match["line"].strip()))
        elif match["block"] is not None:
            lines = (line.strip().lstrip("*") for line in match["block"].splitlines())
            yield from paragraphs(enumerate(lines, number))
    yield from paragraphs(whole)


def page(text: str) -> Iterator[Passage]:
    """The text that a template or a page shows, and its comments."""
    seen = UNSEEN.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    seen = TAG.sub(lambda tag: BREAK + "\n" * tag[0].count("\n"), INLINE.sub("", seen))
    number = 1
    for piece in seen.split(BREAK):
        yield from paragraphs(enumerate(piece.splitlines(), number))
        number += piece.count("\n")


def catalogue(text: str) -> Iterator[Passage]:
    """The English messages of a catalogue."""
    for match in MESSAGE.finditer(text):
        message = "".join(ast.literal_eval(line) for line in match[1].splitlines())
        if message:
            yield Passage(text.count("\n", 0, match.start()) + 1, message.replace("\n", " "))


EXTRACTS: tuple[tuple[tuple[str, ...], Extract], ...] = (
    ((".md",), markdown),
    ((".py", ".pyi"), python),
    ((".js", ".mjs", ".ts", ".css"), script),
    ((".html", ".jinja", ".svg"), page),
    ((".po",), catalogue),
    ((".env.var", ".yml", ".yaml", ".toml", ".sh", ".envsh", ".conf", ".in"), hashes),
    (("Dockerfile", "Makefile", "Procfile", ".gitignore", ".gitattributes", ".editorconfig", ".dockerignore"), hashes),
)
