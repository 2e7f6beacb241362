"""Write .env from .env.var, which describes every variable.

    bin/env                                  write .env, or bring it up to date with .env.var
    bin/env --output FILE [NAME=VALUE...]    write another file, with these values instead

The word `generated` in a value becomes a random secret, and ${NAME} the value of that variable. An existing file
keeps everything it has, except for values that an earlier .env.var gave it and that no longer fit. It gains the
variables that it lacks.
"""

import argparse
import os
import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from .paths import ENV, ENV_DESCRIBED, shown
from .processes import call

LINE = re.compile(r"^([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)
# A variable that people comment out in their own file is not missing from it.
MENTIONED = re.compile(r"^#?\s*([A-Z][A-Z0-9_]*)=", re.MULTILINE)
# Values of an earlier .env.var that no longer fit. A file that still has one gets the described value.
OUTDATED = {"REDIS_URL": "redis://redis:6379/0"}  # without the password that Redis now asks for


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bin/env",
        description="Write .env from .env.var, which describes every variable.",
        usage="bin/env [--output FILE [NAME=VALUE...]]",
    )
    parser.add_argument("--output", type=Path, default=ENV, metavar="FILE")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE")
    arguments = parser.parse_args()
    write(arguments.output.resolve(), dict(_given(value) for value in arguments.values))


def write(file: Path = ENV, chosen: Mapping[str, str] | None = None) -> bool:
    """Write `file`, or add to it what it lacks. True if this call made it, with secrets of its own.

    Ends the program with a sentence if .env.var does not know a chosen variable, or if the file exists already and
    could not take the chosen values.
    """
    text = ENV_DESCRIBED.read_text()
    described = values(ENV_DESCRIBED)
    chosen = dict(chosen or {})
    unknown = chosen.keys() - set(MENTIONED.findall(text))
    if unknown:
        sys.exit(f"bin/env: .env.var knows no {', '.join(sorted(unknown))}.")
    if file.exists():
        if chosen:
            sys.exit(f"bin/env: {file} is there already. Edit it, or remove it first.")
        _complete(file, described)
        return False
    return _create(file, _resolved({**described, **chosen}))


def values(file: Path) -> dict[str, str]:
    """The variables that a file sets, by name."""
    return dict(LINE.findall(file.read_text()))


def _given(argument: str) -> tuple[str, str]:
    """NAME and VALUE of a command line argument."""
    name, separator, value = argument.partition("=")
    if not separator:
        sys.exit(f"bin/env: {argument!r} is not of the form NAME=VALUE.")
    return name, value


def _resolved(described: Mapping[str, str]) -> dict[str, str]:
    """The values with secrets made and references followed."""
    made = {
        name: re.sub(r"\bgenerated\b", lambda _: secrets.token_urlsafe(48), value) for name, value in described.items()
    }

    def value_of(name: str, above: tuple[str, ...] = ()) -> str:
        if name in above or name not in made:
            sys.exit(f"bin/env: .env.var refers to {name}, which has no value.")
        return re.sub(r"\$\{(\w+)\}", lambda match: value_of(match[1], (*above, name)), made[name])

    return {name: value_of(name) for name in made}


def _create(file: Path, variables: Mapping[str, str]) -> bool:
    """Write `file` in one step, readable by its owner only. False if another process was faster."""
    text = "# Written by bin/env. What each is for: .env.var. Yours to edit.\n" + _lines(variables)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text)
        os.link(draft, file)  # unlike a rename, it fails if the file exists by now
    except FileExistsError:
        return False
    except OSError as error:
        sys.exit(f"bin/env: {file} could not be written: {error.strerror}.")
    finally:
        draft.unlink(missing_ok=True)
    print(f"Wrote {shown(file)} with secrets of its own. What each variable is for: .env.var.", flush=True)
    return True


def _complete(file: Path, described: Mapping[str, str]) -> None:
    """Add to `file` what it lacks, replace what is outdated, and say so."""
    text = file.read_text()
    known = set(MENTIONED.findall(text))
    own = values(file)
    lacking = [name for name in described if name not in known]
    outdated = [name for name, value in OUTDATED.items() if name in described and own.get(name) == value]
    kept = {name: value for name, value in own.items() if name not in outdated}
    resolved = _resolved({**described, **kept})
    for name in outdated:
        text = text.replace(f"{name}={OUTDATED[name]}", f"{name}={resolved[name]}")
    if lacking:
        text += ("" if text.endswith("\n") else "\n") + _lines({name: resolved[name] for name in lacking})
    if lacking or outdated:
        file.write_text(text)
    for verb, names in (("Added to", lacking), ("Changed in", outdated)):
        if names:
            print(f"{verb} {shown(file)}: {', '.join(names)}. What they are for: .env.var.", flush=True)


def _lines(variables: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in variables.items())


if __name__ == "__main__":
    call(main)
