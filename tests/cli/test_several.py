"""Several files in one command: small ones side by side, in the order in which they were named."""

import os
import pty
import subprocess
import sys

from ..support.samples import PNG
from ..support.waiting import until
from .conftest import interrupt

SMALL = 1_000_000  # bytes


def small_files(home, count: int) -> list:
    return [home.file(f"{number}.bin", bytes([number]) * SMALL) for number in range(count)]


def test_a_small_file_does_not_wait_for_the_one_before(distant, gate):
    gate.hold(after=SMALL // 2)
    process = distant.start("send", "--separate", *small_files(distant, 6))
    until(lambda: gate.asked.count("POST /api/uploads") == 2, seconds=60)
    assert not [asked for asked in gate.asked if asked.endswith("/complete")]
    gate.open()
    links, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    listed = {upload["link"]: upload["name"] for upload in distant.json("list")}
    assert [listed[link] for link in links.split()] == [f"{number}.bin" for number in range(6)]


def test_a_large_file_goes_alone(distant, gate):
    large, small = distant.file("large.bin", bytes(6 * SMALL)), distant.file("small.txt")
    distant.done("send", "--separate", small, large, small)
    calls = [asked for asked in gate.asked if asked.startswith("POST")]
    assert [call == "POST /api/uploads" for call in calls] == [True, False] * 3


def test_images_end_in_the_order_in_which_they_were_named(home):
    files = [home.file(f"{number}.png", PNG) for number in range(4)]
    home.done("send", "--separate", "--kind", "image", *files)
    assert [upload["name"] for upload in home.json("list")] == ["3.png", "2.png", "1.png"]


def test_a_bundle_has_the_order_in_which_its_files_were_named(home):
    sent = home.json("send", *small_files(home, 12))
    assert [upload["name"] for upload in sent["uploads"]] == [f"{number}.bin" for number in range(12)]


def test_a_file_that_is_named_twice_is_sent_twice(home):
    file = home.file("a.txt")
    first, second = home.done("send", "--separate", file, file).split()
    assert first != second


def test_a_stopped_command_goes_on_with_the_small_files_under_way(distant, gate):
    files = small_files(distant, 5)
    gate.hold(after=SMALL // 2)
    process = distant.start("send", "--separate", *files)
    until(lambda: gate.asked.count("POST /api/uploads") == 2, seconds=60)
    status, said = interrupt(process)
    assert status == 130, said
    gate.open()
    assert len(distant.done("send", "--separate", *files).split()) == 5
    assert len(distant.json("list")) == 5


def test_a_link_stays_whole_beside_a_bar_in_a_narrow_window(home):
    ours, theirs = pty.openpty()
    files = [home.file("a.txt"), home.file("b.txt")]
    process = subprocess.run(
        [sys.executable, "-m", "mayfly_cli", "send", "--separate", *files],
        env=home.environment(COLUMNS="20", TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        timeout=60,
        check=True,
    )
    os.close(theirs)
    os.close(ours)
    first, second = process.stdout.split()
    assert first.startswith(f"{home.server}/u/")
    assert second.startswith(f"{home.server}/u/")
