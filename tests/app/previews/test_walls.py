"""A decoder that an image has taken over: what it can still reach."""

import ast
import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mayfly.previews import decoder, forking, reader, running, walls
from mayfly.previews.running import ENVIRONMENT

from ...support import pictures

PROGRAM = Path(pictures.__file__).with_name("taken_over.py")
FOLDER = Path(decoder.__file__).parent
SORTS = pictures.every_sort()
REFUSED = {errno.errorcode[number] for number in (errno.EPERM, errno.EMFILE)}


@pytest.fixture
def taken_over(tmp_path):
    """Run a decoder that an image has taken over. Returns the result of each act, and the exit status."""

    def run(walls: str) -> tuple[dict[str, str], int]:
        (tmp_path / "upload").write_bytes(b"hello")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = str(server.getsockname()[1])
            status, output = running.run(
                PROGRAM,
                [str(FOLDER), walls, port, str(tmp_path / "upload")],
                (piece for piece in [b""]),
                programs=[PROGRAM],
                seconds=60,
            )
        return json.loads(output), status

    return run


@pytest.mark.parametrize("program", ["walled", "page", "lines"])
def test_a_hijacked_decoder_reads_no_secret_and_opens_no_socket(taken_over, tmp_path, program):
    """Cases 68, 81 and 82: nor does it reach another process, or a file by its name."""
    results, status = taken_over(program)
    assert results.pop("its own work") == "done"
    assert {act: result for act, result in results.items() if result not in REFUSED} == {}
    assert status == 7  # its own, and not that of another program
    assert (tmp_path / "upload").read_bytes() == b"hello"


def test_without_its_walls_a_hijacked_decoder_reaches_much(taken_over, tmp_path):
    results, status = taken_over("open")
    reached = {act for act, result in results.items() if result == "done"}
    # Some machines protect a process from others of its user by themselves.
    assert len(reached) > len(results) / 2
    assert {"the parent's environment", "a connection", "the parent's signals", "another process"} <= reached
    assert status == 0  # that of another program
    assert not (tmp_path / "upload").exists()


@pytest.mark.parametrize(
    ("program", "needed"),
    [(decoder, {"pyvips"}), (reader, {"pypdfium2", "pyvips"}), (walls, set()), (forking, {"pyvips"})],
    ids=["decoder", "reader", "walls", "forking"],
)
def test_a_decoder_imports_nothing_of_ours(program, needed):
    found = set()
    for node in ast.walk(ast.parse(Path(program.__file__).read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + str(node.module).partition(".")[0])
    assert found - sys.stdlib_module_names == needed


@pytest.mark.parametrize("sort", SORTS)
def test_the_walls_change_no_byte_of_a_preview(sort):
    content_type, content = SORTS[sort]
    without = "import decoder, sys; decoder.walls.only_compute = lambda: None; sys.exit(decoder.main())"
    shown = [
        subprocess.run(
            [sys.executable, *program, content_type, "100"],
            env=ENVIRONMENT,
            cwd=FOLDER,
            input=content,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for program in (["-I", "decoder.py"], ["-c", without])
    ]
    assert shown[0] == shown[1]
    assert b"RIFF" in shown[0][:20]


@pytest.mark.parametrize("machine", walls.MACHINES)
def test_the_filter_has_a_number_for_each_call_of_each_machine(machine):
    place, _ = walls.MACHINES[machine]
    rules = walls.filter_for(machine, os.getpid())
    assert len(rules) % 8 == 0
    assert len({call[place] for call in walls.CALLS.values()}) == len(walls.CALLS)
