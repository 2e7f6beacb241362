"""The process that forks decoders: each document has a fork of its own, and none sees anything of another."""

import os
import re
import signal
from pathlib import Path

import pytest

from mayfly.previews import running
from mayfly.previews.draw import DecoderBroken, Interrupted, NotShowable

from ...support.images import drawn
from ...support.pictures import jpeg


@pytest.fixture
def said(program):
    """Draw an image by a program that prints something and ends with 1. Returns the words."""

    def run() -> str:
        with pytest.raises(DecoderBroken) as answer:
            drawn(jpeg())
        return re.search(r"status 1: (.*)", str(answer.value))[1]

    return run


def waiting() -> int:
    """The number of the process that waits for the next document."""
    [forking] = running._idle(os.getpid())
    return forking._process.pid


def test_each_document_has_a_process_of_its_own_of_one_parent(program, said):
    program("import os; print(os.getpid(), os.getppid()); raise SystemExit(1)")
    first, second = said().split(), said().split()
    assert first[0] != second[0]
    assert first[1] == second[1] == str(waiting())


def test_a_document_finds_nothing_that_an_earlier_one_left(program, said):
    program("import re; print(getattr(re, 'left', None)); re.left = 'x'; raise SystemExit(1)")
    assert [said(), said()] == ["None", "None"]


def test_after_some_documents_their_addresses_are_new_ones(program, said, monkeypatch):
    monkeypatch.setattr(running, "DOCUMENTS", 2)
    program("import os; print(os.getppid()); raise SystemExit(1)")
    parents = [said() for _ in range(4)]
    assert parents[0] == parents[1] != parents[2] == parents[3]


def test_a_process_that_ended_while_it_waited_is_replaced():
    drawn(jpeg())
    process = waiting()
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert drawn(jpeg()).width == 640
    assert drawn(jpeg()).width == 640


def test_a_signal_to_all_processes_of_a_worker_ends_no_decoder():
    drawn(jpeg())
    before = waiting()
    os.killpg(before, signal.SIGTERM)
    os.killpg(before, signal.SIGINT)
    assert drawn(jpeg()).width == 640
    assert waiting() == before


def test_a_process_that_ends_at_work_costs_its_document_one_attempt(program):
    program("import os, signal; os.kill(os.getppid(), signal.SIGKILL)")
    with pytest.raises(Interrupted):
        drawn(jpeg())
    assert running._idle(os.getpid()) == []


def test_a_system_without_safe_forks_gets_a_new_process_for_each_document(monkeypatch, tmp_path):
    code = Path(running.FORKING).read_text()
    line = 'CAN_FORK = sys.platform.startswith("linux")\n'
    assert line in code
    file = tmp_path / "forking.py"
    file.write_text(code.replace(line, "CAN_FORK = False\n"))
    running.close_idle()
    monkeypatch.setattr(running, "FORKING", file)
    for _ in range(2):
        assert drawn(jpeg()).width == 640
        assert running._idle(os.getpid()) == []
    with pytest.raises(NotShowable):
        drawn(b"nothing")
