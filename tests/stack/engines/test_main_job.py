"""The main job in each engine: hand a file over, and see it expire."""

import httpx
import pytest

from tests.support.samples import PNG

from .conftest import MiB


@pytest.mark.parametrize(("kind", "name"), [("file", "film.mp4"), ("image", "dot.png")])
def test_what_is_chosen_arrives_and_its_link_gives_the_same_bytes(surfer, make, kind, name):
    content = PNG if kind == "image" else 20 * MiB + 17
    file = make(name, content)
    surfer.open(f"/{kind}s/")
    surfer.upload(file)
    surfer.see(name)
    [upload] = surfer.uploads(kind)
    surfer.engine.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }; return null")
    surfer.click("[data-copy]")
    surfer.until(lambda: surfer.engine.run("return window.copied") == upload["link"])
    surfer.engine.go(upload["link"])
    assert surfer.engine.text("h1") == name
    answer = httpx.get(upload["download"], follow_redirects=True, timeout=60)
    assert answer.content == file.read_bytes()
