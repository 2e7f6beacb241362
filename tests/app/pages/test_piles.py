"""A bundle in its owner's lists: one card for all of it."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mayfly.uploads import paging
from mayfly.uploads.models import Upload

from ...support.making import expire
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)

IMAGES = {"a.png": PNG, "b.png": PNG}
FILES = {"a.txt": b"hello", "b.txt": b"hello", "c.txt": b"hello"}


def cards(person, page: str = "files") -> list[str]:
    """The ids of the cards, the newest file's included, in their order."""
    text = person.browser.get(f"/{page}/").content.decode()
    return re.findall(r'class="(?:card|newest)[^"]*" id="((?:upload|bundle)-\w+)"', text)


def heading(person, page: str) -> str:
    return re.search(r'<h2 id="here"[^>]*>([^·<]*)', person.browser.get(f"/{page}/").content.decode())[1].strip()


@pytest.mark.parametrize(("page", "kind", "contents"), [("images", "image", IMAGES), ("files", "file", FILES)])
def test_a_bundle_is_one_card(owner, page, kind, contents):
    first = owner.upload(PNG, kind=kind, name="first.png")
    bundle = owner.bundle(contents, kind=kind)
    last = owner.upload(PNG, kind=kind, name="last.png")
    assert cards(owner, page) == [f"upload-{last['id']}", f"bundle-{bundle['id']}", f"upload-{first['id']}"]
    assert heading(owner, page) == f"{len(contents) + 2} {page}"
    text = owner.browser.get(f"/{page}/").content.decode()
    assert f'data-copy="{bundle["link"]}"' in text
    assert f'action="/b/{bundle["id"]}/delete"' in text


def test_a_bundle_of_both_kinds_is_on_both_pages(owner):
    bundle = owner.begin_bundle()
    owner.upload(PNG, kind="image", bundle=bundle["id"])
    owner.upload(bundle=bundle["id"])
    owner.complete_bundle(bundle)
    for page, count in (("images", "1 image"), ("files", "1 file")):
        assert cards(owner, page) == [f"bundle-{bundle['id']}"]
        assert heading(owner, page) == count
        assert "<bdi>2 uploads</bdi>" in owner.browser.get(f"/{page}/").content.decode()


def test_the_card_of_a_bundle_lives_as_long_as_one_of_its_uploads(owner):
    bundle = owner.bundle(FILES)
    expire(bundle["uploads"][2])
    assert cards(owner) == [f"bundle-{bundle['id']}"]
    assert "<bdi>2 files</bdi>" in owner.browser.get("/files/").content.decode()
    for upload in bundle["uploads"]:
        expire(upload)
    assert cards(owner) == []


def test_a_selected_bundle_is_deleted_as_one(owner):
    bundle = owner.bundle(FILES)
    other = owner.upload()
    text = owner.browser.get("/files/").content.decode()
    picked = re.search(rf'name="id" value="(\w+)" id="pick-{bundle["id"]}"', text)[1]
    owner.browser.post("/files/delete/", {"id": [picked]})
    assert cards(owner) == [f"upload-{other['id']}"]
    assert owner.get(f"/api/bundles/{bundle['id']}").status_code == 410


def test_a_form_on_a_card_leads_back_to_its_list(owner):
    bundle = owner.begin_bundle()
    owner.upload(PNG, kind="image", bundle=bundle["id"])
    owner.upload(bundle=bundle["id"])
    owner.complete_bundle(bundle)
    sent = {"list": "", "page": "files"}
    assert owner.browser.post(f"/b/{bundle['id']}/keep", sent)["Location"] == "/files/"
    assert owner.browser.post(f"/b/{bundle['id']}/delete", {"list": "", "page": "//evil"})["Location"] == "/images/"


def test_a_long_list_with_bundles_has_pages_of_cards(owner, monkeypatch):
    monkeypatch.setattr(paging, "PAGE", 2)
    monkeypatch.setattr("mayfly.uploads.paging.page_after.__kwdefaults__", {"limit": 2})
    for number in range(3):
        owner.upload(name=f"{number}.txt")
        owner.bundle(FILES)
    first = cards(owner)
    assert len(first) == 2
    assert heading(owner, "files") == "12 files"


@pytest.mark.parametrize("orders", ["name", "size", "left"])
def test_a_list_with_bundles_can_be_sorted(owner, orders):
    for number in range(3):
        owner.upload(b"x" * (number + 1) * 10, name=f"{number}.txt")
    bundle = owner.bundle(FILES, title="m")
    text = owner.browser.get(f"/files/?sort={orders}").content.decode()
    assert f'id="bundle-{bundle["id"]}"' in text


def test_a_list_without_bundles_costs_no_query_more(owner):
    owner.upload()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        owner.browser.get("/files/")
    assert sum("uploads_bundle" in query["sql"] for query in queries) == 0
    assert Upload.objects.filter(bundle__isnull=False).count() == 0
