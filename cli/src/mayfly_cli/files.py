"""The files that a command sends: those that were named, all of a folder, and standard input."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import Failure


@contextmanager
def files_of(paths: list[str]) -> Iterator[list[tuple[Path, str]]]:
    """Each file with the name that it gets: of a folder all its files, and standard input as a file on disk."""
    with tempfile.TemporaryDirectory(prefix="mayfly-") as folder:
        found: list[tuple[Path, str]] = []
        for path in map(Path, paths):
            if str(path) == "-":
                # The API wants the size before the first byte.
                spool = Path(folder) / "stdin"
                with open(spool, "wb") as out:
                    shutil.copyfileobj(sys.stdin.buffer, out)
                found.append((spool, "stdin"))
            elif path.is_dir():
                inside = sorted(file for file in path.rglob("*") if file.is_file())
                if not inside:
                    raise Failure(f"{path} has no file in it")
                found += [(file, "-".join(file.relative_to(path).parts)) for file in inside]
            elif path.exists():
                found.append((path, path.name))
            else:
                raise Failure(f"{path} does not exist")
        for path, name in found:
            if not path.stat().st_size:
                raise Failure(f"{name if path.name == 'stdin' else path} is empty")
        yield found
