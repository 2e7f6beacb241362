"""The main job in each engine: hand a file over, see it expire, and do both without scripts."""

import httpx
import pytest

from tests.support.samples import PNG

from ..conftest import URL
from .conftest import MiB

KINDS = pytest.mark.parametrize(("kind", "name"), [("file", "film.mp4"), ("image", "dot.png")])


def content_of(upload: dict) -> bytes:
    return httpx.get(upload["download"], follow_redirects=True, timeout=60).content


@KINDS
def test_an_upload_arrives_is_copied_opened_and_deleted(surfer, make, kind, name):
    file = make(name, PNG if kind == "image" else 20 * MiB + 17)
    surfer.open(f"/{kind}s/")
    surfer.upload(file)
    surfer.see(name)
    [upload] = surfer.uploads(kind)
    surfer.engine.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    surfer.click("[data-copy]")
    surfer.until(lambda: surfer.engine.run("return window.copied") == upload["link"])
    assert content_of(upload) == file.read_bytes()
    surfer.go(upload["link"])
    assert surfer.engine.text("h1") == name
    surfer.open(f"/{kind}s/")
    surfer.delete(name)
    surfer.until(lambda: surfer.listed() == [])
    assert surfer.uploads(kind) == []
    assert httpx.get(upload["link"]).status_code == 410


@KINDS
def test_an_upload_expires_in_front_of_owner_and_recipient(surfer, kind, name):
    content = PNG if kind == "image" else b"hello"
    surfer.open(f"/{kind}s/")
    upload = surfer.send_elsewhere(name, content, kind=kind, lifetime=12)
    first = surfer.engine.tab
    surfer.open(f"/{kind}s/")
    surfer.see(name)
    surfer.engine.new_tab()
    surfer.go(upload["link"])
    assert surfer.engine.text("h1") == name
    surfer.until(lambda: surfer.engine.text("h1") == "This upload is no longer here", seconds=60)
    surfer.engine.switch(first)
    surfer.until(lambda: surfer.listed() == [])


@KINDS
def test_the_form_and_delete_work_without_scripts(surfer_without_scripts, make, kind, name):
    surfer = surfer_without_scripts
    content = PNG if kind == "image" else b"hello"
    surfer.go(f"{URL}/{kind}s/")
    surfer.upload(make(name, content))
    surfer.engine.run("document.querySelector('#id_title').value = a", "by hand")
    surfer.engine.click("form[data-upload] button", "Upload")
    surfer.until(lambda: surfer.listed() == ["by hand"])
    assert f"1 {kind} is here." in surfer.engine.text("#messages")
    [upload] = surfer.uploads(kind)
    assert content_of(upload) == content
    surfer.go(upload["link"])
    surfer.engine.click("button", "Delete now")
    surfer.until(lambda: surfer.uploads(kind) == [])
