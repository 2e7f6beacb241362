"""The broker of `make run`: a folder that several processes write to and read from at once."""

import subprocess
import sys
from pathlib import Path

import pytest
from kombu import Connection

from mayfly import folder

MESSAGES = 30
SIZE = 3_000_000  # so that writing one takes its time
WRITE = """
import sys
from kombu import Connection
from mayfly import folder
folder.register()
with Connection("folder://localhost", transport_options=eval(sys.argv[1])) as connection:
    queue = connection.SimpleQueue("work")
    for number in range(int(sys.argv[2])):
        queue.put({"number": number, "text": "x" * int(sys.argv[3])})
"""


@pytest.fixture
def options(tmp_path) -> dict:
    (tmp_path / "queue").mkdir()
    return {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "control_folder": str(tmp_path / "control"),
        "polling_interval": 0.001,
    }


def test_what_two_processes_write_a_third_reads_whole(options):
    app = Path(folder.__file__).parents[1]
    command = [sys.executable, "-c", WRITE, repr(options), str(MESSAGES), str(SIZE)]
    writers = [subprocess.Popen(command, cwd=app) for _ in range(2)]
    folder.register()
    read = []
    with Connection("folder://localhost", transport_options=options) as connection:
        queue = connection.SimpleQueue("work")
        while len(read) < 2 * MESSAGES:
            message = queue.get(timeout=60)
            read.append(message.payload["number"])
            assert len(message.payload["text"]) == SIZE
            message.ack()
    assert sorted(read) == sorted([*range(MESSAGES)] * 2)
    assert [writer.wait() for writer in writers] == [0, 0]
    assert not list(Path(options["data_folder_in"]).iterdir())
