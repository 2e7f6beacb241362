"""Each command: its result, its output for people and programs, and its exit status."""

import hashlib
import os
import random
import re
import stat

import httpx
import pytest

from ..app.cameras import camera_jpeg
from ..support.ports import free_port
from ..support.samples import PNG

PART = 8 * 1024 * 1024


def test_send_prints_a_link_that_serves_the_file(home):
    content = random.randbytes(2 * PART + 1000)
    link = home.done("send", home.file("film.mp4", content))
    assert re.fullmatch(rf"{home.server}/u/[A-Za-z0-9]{{22}}/", link)
    answer = httpx.get(f"{link}download", follow_redirects=True)
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(content).digest()
    assert 'filename="film.mp4"' in answer.headers["Content-Disposition"]


def test_get_brings_the_same_bytes_under_the_same_name(home):
    content = random.randbytes(100_000)
    link = home.done("send", home.file("a.bin", content))
    (home.work / "a.bin").unlink()
    assert home.done("get", link) == "a.bin"
    assert (home.work / "a.bin").read_bytes() == content
    assert [file.name for file in home.work.iterdir()] == ["a.bin"]


def test_get_overwrites_a_file_only_with_force(home):
    link = home.done("send", home.file("a.txt", b"new"))
    home.file("a.txt", b"mine")
    refused = home.run("get", link)
    assert refused.returncode == 1
    assert "a.txt is there already" in refused.stderr
    assert (home.work / "a.txt").read_bytes() == b"mine"
    home.done("get", link, "--force")
    assert (home.work / "a.txt").read_bytes() == b"new"


def test_get_writes_to_a_chosen_file_or_folder(home):
    link = home.done("send", home.file("a.txt"))
    (home.work / "there").mkdir()
    assert home.done("get", link, "--output", "b.txt") == "b.txt"
    assert home.done("get", link, "--output", "there") == "there/a.txt"


@pytest.mark.parametrize("here", [200_000, 300_000])
def test_get_goes_on_where_it_ended(home, here):
    content = random.randbytes(300_000)
    link = home.done("send", home.file("a.bin", content))
    (home.work / "a.bin").unlink()
    upload = link.rstrip("/").rsplit("/", 1)[1]
    home.file(f".{upload}.part", b"kept" + content[4:here])
    assert home.done("get", link) == "a.bin"
    assert (home.work / "a.bin").read_bytes() == b"kept" + content[4:]


@pytest.mark.parametrize("name", ["..", ".bashrc", "a\\b.txt", "CON:1.txt", "con trol.txt"])
def test_get_writes_a_harmless_name_into_this_folder(home, name):
    link = home.done("send", home.file("x"), "--name", name)
    (home.work / "x").unlink()
    written = home.done("get", link)
    assert [file.name for file in home.work.iterdir()] == [written]
    assert not written.startswith(".")
    assert not set(written) & set('\\/:"')


def test_list_shows_the_own_uploads_newest_first(home):
    links = [home.done("send", home.file(f"{number}.txt")) for number in range(3)]
    assert [upload["link"] for upload in home.json("list")] == links[::-1]
    shown = home.done("list")
    assert all(link in shown for link in links)
    assert re.search(r"\b(15:00|14:\d\d)\b", shown)


def test_list_of_nothing_says_so(home):
    assert home.json("list") == []
    assert "Nothing is here." in home.run("list").stderr


def test_a_kind_title_lifetime_and_name_are_sent(home):
    sent = home.json(
        "send", home.file("x", PNG), "--kind", "image", "--title", "A dot", "--lifetime", "5m", "--name", "dot.png"
    )
    assert (sent["kind"], sent["title"], sent["name"]) == ("image", "A dot", "dot.png")
    [listed] = home.json("list", "--kind", "image")
    assert listed["id"] == sent["id"]
    assert home.json("list", "--kind", "file") == []
    assert re.search(r"\b(5:00|4:\d\d)\b", home.done("list"))


def test_camera_data_stays_in_an_image_only_if_wanted(home):
    home.file("photo.jpg", camera_jpeg(1))
    assert home.json("send", "photo.jpg", "--kind", "image", "--metadata", "keep")["metadata"] == "kept"
    assert home.json("send", "photo.jpg", "--kind", "image")["metadata"] in ("cleaning", "cleaned")


def test_standard_input_is_sent(home):
    link = home.done("send", "-", "--name", "words.txt", stdin="from a pipe")
    assert httpx.get(f"{link}download", follow_redirects=True).text == "from a pipe"


def test_one_bad_file_of_several_leaves_the_others(home):
    home.file("good.txt")
    home.file("bad.png", b"no picture")
    sent = home.run("send", "bad.png", "good.txt", "--kind", "image", "--separate")
    assert sent.returncode == 1
    assert "bad.png: " in sent.stderr
    assert "good.txt: " in sent.stderr
    sent = home.run("send", "bad.png", "good.txt", "--separate")
    assert sent.returncode == 0
    assert len(sent.stdout.split()) == 2


def test_rm_removes_by_link_or_id(home):
    first, second = (home.done("send", home.file(f"{number}.txt")) for number in range(2))
    assert home.done("rm", first, second.rstrip("/").rsplit("/", 1)[1]) == "Removed 2 uploads."
    assert home.json("list") == []
    assert home.run("get", first).returncode == 4


def test_rm_of_a_strangers_upload_fails_as_if_it_did_not_exist(home, tmp_path):
    link = home.done("send", home.file("a.txt"))
    stranger = {"XDG_CONFIG_HOME": str(tmp_path / "other")}
    home.done("send", home.file("b.txt"), **stranger)
    assert home.run("rm", link, **stranger).returncode == 4
    assert home.run("rm", "A" * 22, **stranger).returncode == 4
    assert httpx.get(f"{link}download", follow_redirects=True).status_code == 200


def test_clear_asks_unless_told_not_to(home):
    home.done("send", home.file("a.txt"))
    asked = home.run("clear")
    assert asked.returncode == 1
    assert "--yes" in asked.stderr
    assert len(home.json("list")) == 1
    home.done("clear", "--yes")
    assert home.json("list") == []


def test_the_token_is_in_a_file_for_its_owner_alone(home):
    assert "no box yet" in home.done("box")
    home.done("send", home.file("a.txt"))
    [file] = (home.folder / "config").rglob("settings.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = home.done("box", "--show")
    assert token in file.read_text()
    assert token not in home.done("box")


def test_a_box_is_used_elsewhere_by_its_token_and_forgotten(home, tmp_path):
    home.done("send", home.file("a.txt"))
    token = home.done("box", "--show")
    elsewhere = {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere")}
    home.done("box", "--use", token, **elsewhere)
    assert len(home.json("list", **elsewhere)) == 1
    home.done("box", "--forget", **elsewhere)
    assert home.json("list", **elsewhere) == []
    assert len(home.json("list", MAYFLY_TOKEN=token, **elsewhere)) == 1


def test_a_named_server_is_remembered(home):
    nowhere = {"MAYFLY_SERVER": ""}
    unknown = home.run("list", **nowhere)
    assert unknown.returncode == 1
    assert "--server" in unknown.stderr
    home.done("list", "--server", home.server, **nowhere)
    home.done("list", **nowhere)


def test_an_expired_or_unknown_link_ends_with_4(home):
    link = home.done("send", home.file("a.txt"))
    home.done("rm", link)
    gone = home.run("get", link)
    assert (gone.returncode, gone.stderr) == (4, "mayfly: This upload is no longer here.\n")
    never = home.run("get", f"{home.server}/u/{'A' * 22}/")
    assert (never.returncode, never.stderr) == (4, "mayfly: There is no upload at this link.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["send", "absent.txt"], "absent.txt does not exist"),
        (["send", "empty"], "empty is empty"),
        (["send", "folder"], "folder has no file in it"),
        (["get", "https://example.org/"], "is neither a link"),
        (["rm", "x"], "is neither a link"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(home, arguments, words):
    home.file("empty", b"")
    (home.work / "folder").mkdir()
    refused = home.run(*arguments)
    assert refused.returncode == 1
    assert words in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("lifetime", ["soon", "0", "15d"])
def test_a_lifetime_that_is_none_is_wrong_usage(home, lifetime):
    assert home.run("send", home.file("a.txt"), "--lifetime", lifetime).returncode == 2


def test_the_servers_refusal_is_shown_in_its_words(home):
    refused = home.run("send", home.file("a.txt"), "--lifetime", "24h")
    assert refused.returncode == 1
    assert "lifetime" in refused.stderr.lower() or "12" in refused.stderr


def test_a_server_that_is_away_ends_with_3_once_patience_is_over(home):
    away = home.run("list", "--patience", "1s", MAYFLY_SERVER=f"http://127.0.0.1:{free_port()}")
    assert away.returncode == 3
    assert "cannot be reached" in away.stderr


def test_an_address_without_an_api_is_named(home):
    other = home.run("list", MAYFLY_SERVER=f"{home.server}/images")
    assert other.returncode in (1, 4)
    assert f"{home.server}/images" in other.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completions_name_the_commands(home, shell):
    script = home.done("completion", shell)
    assert all(name in script for name in ("send", "list", "get", "rm", "clear", "box"))


def test_output_survives_a_closed_pipe(home):
    process = home.start("list", "--json")
    process.stdout.close()
    process.stdin.close()
    assert "Traceback" not in process.stderr.read()
    process.wait(60)
    process.stderr.close()


def test_the_version_is_that_of_the_package(home):
    assert home.done("--version") == f"mayfly {os.environ.get('CLI_VERSION', '0.1.0')}"
