"""The tools on a Python that is too old for them."""

import os
import sys

import pytest

import tools


@pytest.fixture
def old(tmp_path, monkeypatch):
    """Python 3.9 started bin/up, and the PATH has one empty folder."""
    monkeypatch.setattr(sys, "version_info", (3, 9, 6))
    monkeypatch.setattr(sys, "argv", ["bin/up", "--watch"])
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_an_old_python_continues_as_the_newest_one(old, monkeypatch):
    started = []
    monkeypatch.setattr(os, "execv", lambda *command: started.append(command) or sys.exit())
    for name in ("python3.9", "python3.11", "python3.12"):
        (old / name).touch(mode=0o755)
    with pytest.raises(SystemExit):
        tools.use_newer_python()
    newer = str(old / "python3.12")
    assert started == [(newer, [newer, "bin/up", "--watch"])]


def test_windows_itself_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(os, "name", "nt")
    with pytest.raises(SystemExit) as end:
        tools.refuse_windows()
    assert "On Windows, open the checkout in WSL" in str(end.value)


def test_an_old_python_alone_names_the_version_that_is_needed(old):
    with pytest.raises(SystemExit) as end:
        tools.use_newer_python()
    assert "Mayfly needs Python 3.11 or later, and python3 is 3.9. Install a newer one" in str(end.value)
