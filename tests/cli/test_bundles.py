"""Several files under one link: sent, interrupted, listed, fetched and removed as one."""

import json
import random
import re
import zipfile

import httpx
import pytest

from ..support.samples import PNG
from .conftest import interrupt

PART = 8 * 1024 * 1024
CONTENTS = {"a.bin": random.Random(1).randbytes(PART + 1000), "b.bin": random.Random(2).randbytes(PART + 2000)}


def names(folder) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def elsewhere(home, name: str = "recipient"):
    """A folder of someone who has the link alone, and the variables of their home."""
    folder = home.folder / name
    folder.mkdir()
    return folder, {"XDG_CONFIG_HOME": str(folder / "config")}


def test_several_files_get_one_link_and_come_back(home):
    files = [home.file(f"from/{name}", content) for name, content in CONTENTS.items()]
    link = home.done("send", *files, "--title", "For Ada")
    assert re.fullmatch(rf"{home.server}/b/[A-Za-z0-9]{{22}}/", link)
    written = home.done("get", link).split("\n")
    assert written == ["For Ada/a.bin", "For Ada/b.bin"]
    assert names(home.work / "For Ada") == CONTENTS


def test_a_folder_is_one_bundle(home):
    for name in ("photos/a.jpg", "photos/more/b.jpg"):
        home.file(name)
    sent = home.json("send", "photos")
    assert [upload["name"] for upload in sent["uploads"]] == ["a.jpg", "more-b.jpg"]


def test_files_of_one_name_are_written_apart(home):
    link = home.done("send", home.file("one/a.txt", b"first"), home.file("two/a.txt", b"second"))
    home.done("get", link, "--output", "here")
    assert names(home.work / "here") == {"a.txt": b"first", "a (2).txt": b"second"}


def test_separate_files_get_a_link_each(home):
    links = home.done("send", home.file("a.txt"), home.file("b.txt"), "--separate").split()
    assert len(links) == 2
    assert all("/u/" in link for link in links)


def test_list_shows_a_bundle_with_its_files(home):
    single = home.done("send", home.file("single.txt"))
    link = home.done("send", home.file("a.txt"), home.file("b.txt"))
    bundle, upload = home.json("list")
    assert (bundle["link"], upload["link"]) == (link, single)
    assert [one["name"] for one in bundle["uploads"]] == ["a.txt", "b.txt"]
    shown = home.done("list")
    assert re.search(rf"^2 files .* {link}$", shown, re.MULTILINE)
    assert re.search(r"^  a\.txt ", shown, re.MULTILINE)


@pytest.mark.parametrize("by_id", [False, True])
def test_rm_of_a_bundle_removes_all_of_it(home, by_id):
    sent = home.json("send", home.file("a.txt"), home.file("b.txt"))
    assert home.done("rm", sent["id"] if by_id else sent["link"]) == "Removed."
    assert home.json("list") == []
    gone = home.run("get", sent["link"])
    assert (gone.returncode, gone.stderr) == (4, "mayfly: This upload is no longer here.\n")


def test_a_stranger_removes_no_bundle(home):
    link = home.done("send", home.file("a.txt"), home.file("b.txt"))
    _, stranger = elsewhere(home, "stranger")
    home.done("send", home.file("c.txt"), **stranger)
    assert home.run("rm", link, **stranger).returncode == 4
    assert httpx.get(link).status_code == 200


def test_a_refused_file_leaves_the_others_under_the_link(home):
    home.file("good.png", PNG)
    home.file("bad.png", b"no picture")
    sent = home.run("send", "bad.png", "good.png", "--kind", "image", "--json")
    assert sent.returncode == 1
    assert "bad.png: " in sent.stderr
    assert [upload["name"] for upload in json.loads(sent.stdout)["uploads"]] == ["good.png"]


def test_a_bundle_of_which_nothing_arrives_is_removed(home):
    home.file("a.png", b"no picture")
    home.file("b.png", b"no picture either")
    refused = home.run("send", "a.png", "b.png", "--kind", "image")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert home.json("list") == []


def test_a_stopped_bundle_goes_on_with_what_is_missing(distant, gate):
    files = [distant.file(name, content) for name, content in CONTENTS.items()]
    gate.hold(after=2 * PART)
    process = distant.start("send", *files, "--jobs", "1")
    assert gate.held.wait(60)
    status, said = interrupt(process)
    assert status == 130
    assert "goes on where this one ended" in said
    gate.open()
    before = gate.sent
    link = distant.done("send", *files)
    assert gate.sent - before < 1.5 * PART
    [bundle] = distant.json("list")
    assert bundle["link"] == link
    assert [upload["size"] for upload in bundle["uploads"]] == [len(content) for content in CONTENTS.values()]


def test_a_bundle_that_the_server_no_longer_has_begins_anew(distant, gate):
    files = [distant.file(name, content) for name, content in CONTENTS.items()]
    gate.hold(after=PART // 2)
    process = distant.start("send", *files, "--jobs", "1")
    assert gate.held.wait(60)
    interrupt(process)
    gate.open()
    [pending] = distant.json("list")
    distant.done("rm", pending["id"])
    assert len(distant.json("send", *files)["uploads"]) == 2


def test_get_goes_on_with_the_files_that_are_missing(home):
    link = home.done("send", *(home.file(name, content) for name, content in CONTENTS.items()))
    sent = home.json("list")[0]["uploads"]
    here = b"kept" + CONTENTS["a.bin"][4:]
    home.file("here/a.bin", here)
    home.file(f"here/.{sent[1]['id']}.part", CONTENTS["b.bin"][:PART])
    home.done("get", link, "--output", "here")
    assert names(home.work / "here") == {"a.bin": here, "b.bin": CONTENTS["b.bin"]}


def test_wait_fetched_waits_for_every_file_of_a_bundle(home):
    process = home.start("send", home.file("a.txt"), home.file("b.txt"), "--wait-fetched")
    link = process.stdout.readline().strip()
    home.done("get", link, "--output", "here", **elsewhere(home)[1])
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.count("was fetched at") == 2


def test_a_bundle_comes_as_a_zip_if_wanted(home):
    link = home.done("send", *(home.file(name, content) for name, content in CONTENTS.items()), "--title", "For Ada")
    assert home.done("get", link, "--zip") == "For Ada.zip"
    with zipfile.ZipFile(home.work / "For Ada.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == CONTENTS


def test_one_password_opens_all_of_a_bundle(home):
    link = home.done("send", home.file("a.txt"), home.file("b.txt"), "--password-stdin", stdin="secret\n")
    assert home.run("get", link, "--output", "here").returncode == 5
    assert home.run("get", link, "--output", "here", MAYFLY_PASSWORD="wrong").returncode == 5
    home.done("get", link, "--output", "here", MAYFLY_PASSWORD="secret")
    assert names(home.work / "here") == {"a.txt": b"hello", "b.txt": b"hello"}
    assert "password" in home.done("list")


def test_a_bundle_with_a_limit_comes_as_one_download(home):
    link = home.done("send", home.file("a.txt"), home.file("b.txt"), "--downloads", "2")
    assert home.done("get", link, "--output", "all.zip") == "all.zip"
    assert zipfile.is_zipfile(home.work / "all.zip")
    [bundle] = home.json("list")
    assert bundle["downloads"] == {"most": 2, "taken": 1}
