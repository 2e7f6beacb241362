"""Accessibility in each engine: axe finds nothing on the main states of the pages."""

import pytest

from tests.support.samples import PNG

from .conftest import MiB

KINDS = pytest.mark.parametrize("kind", ["file", "image"])


@KINDS
def test_an_empty_and_a_full_page_have_no_barrier(surfer, kind):
    surfer.open(f"/{kind}s/")
    surfer.has_no_barrier()
    for name in ("a.png", "b.png", "c.png"):
        surfer.send_elsewhere(name, PNG, kind=kind)
    surfer.open(f"/{kind}s/")
    surfer.see("a.png")
    surfer.has_no_barrier()
    surfer.click("#clear")
    surfer.has_no_barrier()


def test_an_upload_under_way_and_its_end_have_no_barrier(surfer, make):
    surfer.open("/files/")
    surfer.hold_parts(after=1)
    surfer.upload(make("film.mp4", 20 * MiB))
    surfer.until(lambda: surfer.engine.run("return window.held.length") > 0)
    surfer.has_no_barrier()
    surfer.let_parts_go()
    surfer.see("film.mp4")
    surfer.has_no_barrier()


def test_a_refused_file_has_no_barrier(surfer, make):
    surfer.open("/images/")
    surfer.upload(make("cat.png", b"<svg onload=alert(1)>"))
    surfer.says("cat.png")
    surfer.has_no_barrier()


def test_a_share_page_and_its_receipt_have_no_barrier(surfer):
    surfer.open("/files/")
    upload = surfer.send_elsewhere("notes.txt", title="At the lake")
    surfer.go(upload["link"])
    surfer.has_no_barrier()
    surfer.click("button", "Delete now")
    surfer.until(lambda: surfer.engine.text("h1") == "My Files")  # a page that is left before it is there is an error
    assert surfer.uploads("file") == []
    surfer.go(upload["link"])
    assert surfer.engine.text("h1") == "This upload is no longer here"
    surfer.has_no_barrier()
