"""Difficult files in each engine: hidden characters in names, files that look alike, and one that was interrupted."""

import os

import httpx

from .conftest import MiB

NOTICE = ".upload-interrupted li"


def test_an_interrupted_upload_continues_where_it_was(surfer, make):
    film = make("film.mp4", 60 * MiB)
    surfer.open("/files/")
    surfer.hold_parts(after=2)
    surfer.upload(film)
    surfer.until(lambda: surfer.stored() and surfer.stored()[0]["stored"] >= 16 * MiB)
    [before] = surfer.stored()
    surfer.reload()
    surfer.until(lambda: surfer.engine.has(NOTICE, "film.mp4 was interrupted at 26%"))
    surfer.hold_parts(after=0)
    surfer.upload(film)
    surfer.until(lambda: not surfer.engine.has(NOTICE))
    surfer.until(lambda: surfer.engine.run("return window.held.length") > 0)
    # Nothing has been sent since, so nothing is known about speed and time.
    assert surfer.engine.text(".upload-line") == "Uploading"
    surfer.let_parts_go()
    surfer.see("film.mp4")
    assert not surfer.engine.has(NOTICE)
    [upload] = surfer.uploads("file")
    assert upload["id"] == before["id"]
    assert httpx.get(upload["download"], follow_redirects=True, timeout=60).content == film.read_bytes()


def test_no_character_of_a_name_reorders_it(surfer, make):
    surfer.open("/files/")
    surfer.upload(make("photo\u202egpj.exe", 10))
    surfer.see("photogpj.exe")
    assert [upload["name"] for upload in surfer.uploads("file")] == ["photogpj.exe"]


def test_two_files_that_look_alike_both_arrive(surfer, make):
    """They have the same name, size and time of change, and other bytes."""
    files = [make("a/notes.txt", b"one"), make("b/notes.txt", b"two")]
    for file in files:
        os.utime(file, (1_700_000_000, 1_700_000_000))
    surfer.open("/files/")
    surfer.separate_links()
    surfer.upload(*files)
    surfer.until(lambda: surfer.listed() == ["notes.txt", "notes.txt"])
    contents = {httpx.get(upload["download"], follow_redirects=True).content for upload in surfer.uploads("file")}
    assert contents == {b"one", b"two"}
