"""`send --wait-fetched`: the command ends when its uploads were fetched."""

import httpx

from .conftest import interrupt


def sent(process) -> str:
    """The link of a command that still runs, as a script reads it."""
    return process.stdout.readline().strip()


def test_the_command_ends_with_0_once_each_upload_was_fetched(home):
    process = home.start("send", home.file("a.txt"), home.file("b.txt"), "--separate", "--wait-fetched")
    links = [sent(process) for _ in range(2)]
    for link in links:
        assert process.poll() is None
        httpx.get(f"{link}download", follow_redirects=True).raise_for_status()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "a.txt was fetched at" in said
    assert "b.txt was fetched at" in said


def test_the_command_ends_with_4_if_an_upload_goes_unfetched(home):
    process = home.start("send", home.file("a.txt"), "--wait-fetched")
    home.done("rm", sent(process))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "deleted" in said


def test_the_command_can_be_stopped_while_it_waits(home):
    process = home.start("send", home.file("a.txt"), "--wait-fetched")
    link = sent(process)
    status, _ = interrupt(process)
    assert status == 130
    assert httpx.get(link).status_code == 200
