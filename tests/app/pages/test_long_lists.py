"""Lists that are longer than a page: their parts, the links between them, and what each costs."""

import re

import pytest
from django.db.models.functions import Now
from django.test import Client

from mayfly.uploads.choices import Kind
from mayfly.uploads.limits import PAGE
from mayfly.uploads.models import Upload

from ...support.making import ready_row
from ...support.people import Person
from .helpers import image, page

pytestmark = pytest.mark.django_db(transaction=True)


def rows(owner: Person, count: int, kind: str = "file") -> None:
    for number in range(count):
        ready_row(box=owner.box, kind=kind, name=f"number {number}", has_preview=True)


def shown(text: str) -> list[str]:
    return re.findall(r'id="upload-(\w+)"', text)


def link(text: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', text)
    return found and found[1].replace("&amp;", "&")


def walk(owner: Person, address: str, rel: str) -> list[str]:
    """The pages that the links lead to, from this address on."""
    texts = []
    while address:
        texts.append(page(owner.browser.get(address)))
        address = link(texts[-1], rel)
    return texts


@pytest.mark.parametrize("path", ["/files/", "/images/"])
def test_a_long_list_has_pages_with_links_both_ways(owner, limits, path):
    """Case 64."""
    limits(images_kept=0)
    rows(owner, 2 * PAGE + 1, kind="file" if path == "/files/" else "image")
    pages = walk(owner, path, "next")
    assert [len(shown(text)) for text in pages] == [PAGE, PAGE, 1]
    listed = [pk for text in pages for pk in shown(text)]
    assert listed == list(Upload.objects.live().values_list("pk", flat=True))
    assert [link(text, "prev") is None for text in pages] == [True, False, False]
    back = walk(owner, link(pages[1], "next"), "prev")
    assert [shown(text) for text in back] == [shown(text) for text in pages[::-1]]
    for text in pages:
        assert f"{2 * PAGE + 1} {path.strip('/')}" in text


def test_a_page_of_a_full_box_is_no_larger_than_a_page(owner):
    """Case 64: ten times the uploads make no larger answer."""
    rows(owner, PAGE + 1)
    small = len(owner.browser.get("/files/").content)
    rows(owner, 9 * PAGE)
    assert len(owner.browser.get("/files/").content) < small * 1.02


def test_a_short_list_has_no_links(owner):
    rows(owner, PAGE)
    text = page(owner.browser.get("/files/"))
    assert len(shown(text)) == PAGE
    assert "neighbours" not in text


def test_only_the_first_page_shows_the_newest_file_apart(owner):
    rows(owner, PAGE + 2)
    first, second = walk(owner, "/files/", "next")
    assert "Newest file" in first
    assert "Newest file" not in second
    assert len(shown(second)) == 2


def test_my_images_shows_as_many_as_are_kept(owner, limits):
    limits(images_kept=2)
    for number in range(3):
        owner.browser.post("/images/", {"file": image(f"{number}.png")})
    text = page(owner.browser.get("/images/"))
    assert len(shown(text)) == 2
    assert "The next image replaces this one" in text


def test_the_image_that_goes_next_is_on_the_last_page(owner, limits):
    limits(images_kept=PAGE + 2)
    rows(owner, PAGE + 2, kind="image")
    first, last = walk(owner, "/images/", "next")
    assert "The next image replaces this one" not in first
    assert last.count("The next image replaces this one") == 1


def test_a_deletion_returns_to_its_part_of_the_list(owner):
    rows(owner, PAGE + 3)
    first, second = walk(owner, "/files/", "next")
    here = link(first, "next")
    [value] = set(re.findall(r'name="list" value="([^"]+)"', second))
    assert f"/files/?{value}" == here
    response = owner.browser.post(f"/u/{shown(second)[0]}/delete", {"list": value})
    assert response.status_code == 303
    assert response["Location"] == here
    assert len(shown(page(owner.browser.get(here)))) == 2
    assert set(re.findall(r'name="list" value="([^"]*)"', first)) == {""}


@pytest.mark.parametrize(
    "value", ["//evil.example", "after=../../x", "after=" + "a" * 22 + "&x=y", "\r\nSet-Cookie: a=b"]
)
def test_a_forged_place_in_a_list_leads_nowhere_else(owner, value):
    """Case 39."""
    upload = owner.upload()
    assert owner.browser.post(f"/u/{upload['id']}/delete", {"list": value})["Location"] == "/files/"


def test_the_page_asks_for_its_own_part_again(owner):
    rows(owner, PAGE + 1)
    Upload.objects.filter(kind=Kind.FILE).update(completed_at=Now())
    here = link(page(owner.browser.get("/files/")), "next")
    text = page(owner.browser.get(here))
    assert f'data-here="{here}"' in text
    assert 'data-first="/files/"' in text


@pytest.mark.parametrize("query", ["after=" + "x" * 22, "before=%00", "after=&before=", "after=%22%3E%3Cscript%3E"])
def test_an_unknown_part_of_a_list_is_its_first(owner, query):
    rows(owner, 1)
    response = owner.browser.get(f"/files/?{query}")
    assert response.status_code == 200
    text = page(response)
    assert len(shown(text)) == 1
    assert "><script>" not in text


def test_a_visitor_without_a_box_sees_no_part_of_a_list(owner):
    rows(owner, PAGE + 1)
    here = link(page(owner.browser.get("/files/")), "next")
    assert shown(page(Client().get(here))) == []
