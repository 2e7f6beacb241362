"""A clone by Git for Windows, which turns line ends into those of Windows where .gitattributes does not forbid it."""

import subprocess
from pathlib import Path

import pytest

from tools.paths import ROOT

# Read by shells, Docker, Compose and make in Linux, all of which stumble over a carriage return.
READ_IN_LINUX = ("Makefile", ".env.var", "Procfile", "services/Dockerfile", "services/start", "services/worker/start")


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("windows") / "clone"
    git("clone", "--quiet", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", str(ROOT), str(folder))
    return folder


def git(*arguments: str, folder: Path = ROOT) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def committed(folder: Path) -> list[Path]:
    return [folder / name for name in git("ls-files", "-z", folder=folder).split("\0") if name]


def test_a_clone_on_windows_keeps_the_line_ends_of_every_file(clone):
    """Binary files are compared with the repository, because a carriage return may be a byte of theirs."""
    files = committed(clone)
    assert {clone / name for name in READ_IN_LINUX} <= set(files)
    changed = git("status", "--porcelain", folder=clone)
    assert changed == ""
    text = [file for file in files if file.is_file() and b"\0" not in (content := file.read_bytes()) and content]
    assert [str(file) for file in text if b"\r\n" in file.read_bytes()] == []


def test_binary_files_are_never_taken_for_text(clone):
    ends = [line.split(maxsplit=3) for line in git("ls-files", "--eol", folder=clone).splitlines()]
    binary = {line[-1].split("\t")[-1]: line[2] for line in ends if line[0] == "i/-text"}
    assert "docs/pages.png" in binary
    assert set(binary.values()) == {"attr/-text"}


def test_the_scripts_of_a_clone_on_windows_are_read_by_a_shell(clone):
    scripts = [file for file in committed(clone) if file.is_file() and shell_of(file)]
    assert clone / "services/worker/start" in scripts
    for script in scripts:
        done = subprocess.run([shell_of(script), "-n", script], capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr


def shell_of(file: Path) -> str:
    """The shell that a script names in its first line; empty if the file is no shell script."""
    with file.open("rb") as opened:
        first = opened.readline(80).rstrip()
    shells = {b"#!/bin/sh": "sh", b"#!/usr/bin/env bash": "bash", b"#!/bin/bash": "bash"}
    return shells.get(first, "")
