"""`make audit` asks for every file of packages, and fails if one of them has a known vulnerability."""

import re
import subprocess

import pytest

from tools.paths import ROOT

from .conftest import TIMEOUT, Checkout

FILES = ("base", "production", "development", "assets", "audit")
# In place of `python3 -m venv FOLDER`: an environment whose programs note how they are called.
MAKE_VENV = r"""
mkdir -p "$3/bin"
for program in python pip-audit npm; do
  file=$3/bin/$program
  printf '#!/bin/sh\necho "%s $*" >>"$CALLS"\ncase "$*" in *"${BAD:-nothing}"*) exit 1 ;; esac\n' "$program" >"$file"
  chmod +x "$file"
done
"""


@pytest.fixture
def packages(checkout: Checkout) -> Checkout:
    checkout.script("commands/python3", MAKE_VENV)
    for name in FILES:
        checkout.write(f"services/requirements/{name}.txt", "")
    checkout.write("services/assets/package-lock.json", "{}")
    return checkout


def audit(checkout: Checkout, **variables: str) -> int:
    own = {"PATH": f"{checkout.commands}:/usr/bin:/bin", "CALLS": str(checkout.folder / "calls")}
    command = [checkout.folder / "bin/audit"]
    return subprocess.run(command, env=own | variables, capture_output=True, timeout=TIMEOUT).returncode


def test_every_file_of_packages_is_audited(packages):
    assert audit(packages) == 0
    asked = packages.calls("pip-audit")
    assert {call.rpartition("/")[2] for call in asked} == {f"{name}.txt" for name in FILES}
    assert all("--strict" in call and "--require-hashes" in call for call in asked)
    assert packages.calls("npm") == ["npm --prefix services/assets audit --package-lock-only"]


@pytest.mark.parametrize("bad", ["production.txt", "audit --package-lock-only"])
def test_one_vulnerability_fails_the_audit_after_all_were_asked(packages, bad):
    assert audit(packages, BAD=bad) == 1
    assert len(packages.calls("pip-audit")) == len(FILES)
    assert packages.calls("npm")


def test_the_files_of_packages_are_all_compiled_with_hashes():
    compiled = (ROOT / "bin/requirements").read_text()
    for file in (ROOT / "services/requirements").glob("*.txt"):
        assert "--hash=sha256:" in file.read_text(), file
        assert re.search(rf"^files=\(.*\b{file.stem}\b", compiled, re.MULTILINE), file
