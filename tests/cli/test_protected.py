"""Links with a password or a limit on downloads."""

import os
import pty
import random

import httpx
import pytest

from .conftest import interrupt

PASSWORD = "correct horse"
CONTENT = random.Random(3).randbytes(2_000_000)


def taken(home) -> int:
    [upload] = home.json("list")
    return upload["downloads"]["taken"]


def typed(home, *arguments: object, lines: list[str]) -> tuple[int, str]:
    """Run a command at a terminal, and answer each of its questions. Returns the exit status and what it said."""
    ours, theirs = pty.openpty()
    process = home.start(*arguments, terminal=theirs)
    os.close(theirs)
    said = ""
    for line in lines:
        said += question(process)
        os.write(ours, f"{line}\n".encode())
    _, rest = process.communicate(timeout=60)
    os.close(ours)
    return process.returncode, said + rest


def question(process) -> str:
    """The words up to the next question. The command discards all that was typed before it asks."""
    said = ""
    while not said.endswith("assword: ") and not said.endswith("again: "):
        piece = process.stderr.read(1)
        assert piece, said
        said += piece
    return said


def test_a_password_opens_a_link_and_nothing_else_does(home):
    link = home.done("send", home.file("a.txt"), "--password-stdin", stdin=f"{PASSWORD}\n")
    (home.work / "a.txt").unlink()
    asked = home.run("get", link)
    assert asked.returncode == 5
    assert "--password-stdin" in asked.stderr
    assert home.run("get", link, "--password-stdin", stdin="wrong\n").returncode == 5
    assert list(home.work.glob("a.txt")) == []
    assert home.done("get", link, MAYFLY_PASSWORD=PASSWORD) == "a.txt"


def test_a_password_is_typed_at_a_terminal_unseen(home):
    home.file("a.txt")
    status, said = typed(home, "send", "a.txt", "--password", lines=[PASSWORD, "something else"])
    assert (status, "two passwords" in said) == (1, True)
    status, said = typed(home, "send", "a.txt", "--password", lines=[PASSWORD, PASSWORD])
    assert status == 0
    [upload] = home.json("list")
    status, said = typed(home, "get", upload["link"], "--force", lines=["wrong", PASSWORD])
    assert status == 0
    assert "This is not the password." in said
    assert PASSWORD not in said


def test_send_needs_a_terminal_or_a_given_password(home):
    refused = home.run("send", home.file("a.txt"), "--password")
    assert refused.returncode == 1
    assert "MAYFLY_PASSWORD" in refused.stderr
    assert home.json("send", "a.txt", "--password", MAYFLY_PASSWORD=PASSWORD)["password"] is True
    assert home.json("send", "a.txt", MAYFLY_PASSWORD=PASSWORD)["password"] is False


def test_an_upload_ends_with_its_last_download(home):
    link = home.done("send", home.file("a.txt"), "--downloads", "2")
    for _ in range(2):
        home.done("get", link, "--force")
    assert home.run("get", link, "--force").returncode == 4


def test_list_shows_password_and_limit(home):
    home.done("send", home.file("a.txt"), "--downloads", "3", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert "password, 0 of 3 taken" in home.done("list")
    [upload] = home.json("list")
    assert (upload["password"], upload["downloads"]) == (True, {"most": 3, "taken": 0})


def test_a_download_that_breaks_off_goes_on_and_counts_once(distant, gate):
    file = distant.file("film.bin", CONTENT)
    link = distant.done("send", file, "--downloads", "3")
    file.unlink()
    gate.hold_answers(after=len(CONTENT) // 2)
    process = distant.start("get", link)
    assert gate.held.wait(60)
    gate.cut()
    gate.open()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert file.read_bytes() == CONTENT
    assert taken(distant) == 1


def test_another_password_begins_anew(distant, gate):
    """An upload that was stopped must not come back without the password that is wanted now."""
    distant.file("film.bin", CONTENT)
    gate.hold(after=len(CONTENT) // 2)
    process = distant.start("send", "film.bin")
    assert gate.held.wait(60)
    interrupt(process)
    gate.open()
    link = distant.done("send", "film.bin", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert distant.run("get", link, "--force").returncode == 5


def test_wait_fetched_ends_with_the_only_download(home):
    process = home.start("send", home.file("a.txt"), "--downloads", "1", "--wait-fetched")
    link = process.stdout.readline().strip()
    httpx.post(f"{link}download", follow_redirects=True).raise_for_status()
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize("downloads", ["0", "101", "few"])
def test_a_limit_that_is_none_is_wrong_usage(home, downloads):
    assert home.run("send", home.file("a.txt"), "--downloads", downloads).returncode == 2
