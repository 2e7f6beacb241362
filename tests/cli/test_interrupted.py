"""A transfer that is stopped, cut or lost, and goes on."""

import random
import re
import sqlite3
import threading
from pathlib import Path

import httpx
import pytest

from .conftest import interrupt

PART = 8 * 1024 * 1024
CONTENT = random.Random(1).randbytes(5 * PART)


def downloaded(link: str) -> bytes:
    return httpx.get(f"{link}download", follow_redirects=True).content


@pytest.fixture
def stopped(distant, gate) -> Path:
    """A file of which the first parts are there: its transfer was stopped by Ctrl-C."""
    file = distant.file("film.bin", CONTENT)
    gate.hold(after=3 * PART + PART // 2)
    process = distant.start("send", file, "--jobs", "1")
    assert gate.held.wait(60)
    status, said = interrupt(process)
    assert status == 130
    assert "goes on where this one ended" in said
    gate.open()
    return file


def test_a_stopped_transfer_goes_on_with_the_missing_parts(distant, gate, stopped):
    before = gate.sent
    link = distant.done("send", stopped)
    assert gate.sent - before < 3 * PART
    assert downloaded(link) == CONTENT
    assert len(distant.json("list")) == 1


def test_a_changed_file_begins_anew(distant, stopped):
    stopped.write_bytes(CONTENT[::-1])
    assert downloaded(distant.done("send", stopped)) == CONTENT[::-1]


def test_another_wish_begins_anew(distant, stopped):
    sent = distant.json("send", stopped, "--title", "For Ada")
    assert sent["title"] == "For Ada"
    assert downloaded(sent["link"]) == CONTENT


def test_a_transfer_that_the_server_no_longer_has_begins_anew(distant, stopped):
    distant.done("clear", "--yes")
    assert downloaded(distant.done("send", stopped)) == CONTENT


def test_a_cut_line_is_taken_up_again(distant, gate):
    file = distant.file("film.bin", CONTENT)
    gate.hold(after=2 * PART + 1000)
    process = distant.start("send", file)
    assert gate.held.wait(60)
    gate.cut()
    gate.open()
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert downloaded(out.strip()) == CONTENT


def test_two_commands_at_once_share_the_box(distant):
    links: list[str] = []
    distant.done("send", distant.file("first.txt"))
    files = [distant.file(f"{number}.txt", b"%d" % number) for number in range(4)]
    threads = [threading.Thread(target=lambda f=file: links.append(distant.done("send", f))) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(links) == 4
    assert len(distant.json("list")) == 5
    assert all(re.fullmatch(r"http://[0-9.:]+/u/\w{22}/", link) for link in links)


def test_a_small_file_takes_three_requests(distant, gate):
    link = distant.done("send", distant.file("a.txt"))
    begin, part, complete = gate.asked
    assert begin == "POST /api/uploads"
    assert part.startswith("PUT ")
    assert complete == f"POST /api/uploads/{link.rstrip('/').rpartition('/')[2]}/complete"


def test_a_begin_whose_answer_is_lost_makes_no_second_upload(distant, gate, place):
    gate.hold_answers(after=0)
    process = distant.start("send", distant.file("lost answer.txt"))
    assert gate.held.wait(60)
    gate.cut()
    gate.open()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert gate.asked.count("POST /api/uploads") == 2
    with sqlite3.connect(place / "db.sqlite3") as database:
        [(count,)] = database.execute("SELECT count(*) FROM uploads_upload WHERE name = 'lost answer.txt'").fetchall()
    database.close()
    assert count == 1
