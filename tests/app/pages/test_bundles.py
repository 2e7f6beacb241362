"""Several uploads by one link: their page, and what stays of them."""

from io import BytesIO

import pytest
import segno
from django.test import Client

from mayfly.uploads.ids import new_id

from ...support.making import expire
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)


def page(bundle: dict, client: Client | None = None):
    return (client or Client()).get(f"/b/{bundle['id']}/")


def test_the_page_of_a_bundle_offers_each_upload(owner):
    bundle = owner.bundle({"a.txt": b"hello", "b.txt": b"more"}, title="For Ada")
    text = page(bundle).content.decode()
    assert "<h1><bdi>For Ada</bdi></h1>" in text
    for upload in bundle["uploads"]:
        assert f'href="/u/{upload["id"]}/download"' in text
    assert f'action="/b/{bundle["id"]}/delete"' not in text
    assert f'action="/b/{bundle["id"]}/delete"' in page(bundle, owner.browser).content.decode()


@pytest.mark.parametrize(("kind", "words"), [("image", "2 images"), ("file", "2 files")])
def test_a_bundle_without_title_is_called_by_its_count(owner, kind, words):
    bundle = owner.bundle({"a.png": PNG, "b.png": PNG}, kind=kind)
    assert f"<h1><bdi>{words}</bdi></h1>" in page(bundle).content.decode()


def test_nothing_names_a_bundle_in_link_previews(owner):
    bundle = owner.bundle({"secret.txt": b"hello"}, title="Secret")
    head = page(bundle).content.decode().partition("</head>")[0]
    assert "og:title" in head
    assert "secret.txt" not in head
    assert 'content="Secret' not in head


def test_a_deleted_bundle_leaves_one_receipt(owner):
    bundle = owner.bundle({"a.txt": b"hello", "b.txt": b"hello"}, title="For Ada")
    assert page({"id": new_id()}).status_code == 404
    answer = owner.browser.post(f"/b/{bundle['id']}/delete")
    assert (answer.status_code, answer["Location"]) == (303, "/files/")
    for client in (Client(), owner.browser):
        receipt = page(bundle, client)
        text = receipt.content.decode()
        assert receipt.status_code == 410
        assert "<dt>Deleted by its owner</dt>" in text
        assert "nothing of it is left in storage" in text
        assert "For Ada" not in text
    assert [page(bundle).status_code] + [Client().get(f"/u/{u['id']}/").status_code for u in bundle["uploads"]] == [
        410,
        410,
        410,
    ]


def test_an_expired_bundle_is_not_served_on_any_of_its_routes(owner):
    """Case 98."""
    bundle = owner.bundle({"a.txt": b"hello"})
    expire(bundle["uploads"][0])
    for part in ("", "qr.svg"):
        assert Client().get(f"/b/{bundle['id']}/{part}").status_code == 410
        program = Client().get(f"/b/{bundle['id']}/{part}", headers={"Accept": "application/json"})
        assert (program.status_code, program.json()["error"]["code"]) == (410, "gone")
    for part in ("delete", "keep"):
        assert owner.browser.post(f"/b/{bundle['id']}/{part}").status_code == 410


@pytest.mark.parametrize("action", ["delete", "keep"])
def test_only_its_owner_changes_a_bundle_by_its_page(owner, stranger, action):
    """Case 98."""
    bundle = owner.bundle({"a.txt": b"hello"})
    assert stranger.browser.post(f"/b/{bundle['id']}/{action}").status_code == 404
    assert Client().post(f"/b/{bundle['id']}/{action}").status_code == 404
    assert owner.browser.get(f"/b/{bundle['id']}/{action}").status_code == 302
    assert owner.get(f"/api/bundles/{bundle['id']}").json() == bundle


def test_an_empty_bundle_is_no_page_for_strangers(owner):
    bundle = owner.begin_bundle()
    assert page(bundle).status_code == 404
    assert page(bundle, owner.browser).status_code == 200


def test_a_bundle_is_kept_longer_from_its_page(owner):
    bundle = owner.bundle({"a.txt": b"hello"})
    answer = owner.browser.post(f"/b/{bundle['id']}/keep")
    assert (answer.status_code, answer["Location"]) == (303, f"/b/{bundle['id']}/")
    kept = owner.get(f"/api/bundles/{bundle['id']}").json()
    assert kept["expires_at"] > bundle["expires_at"]


def test_the_link_of_a_bundle_has_a_qr_code(owner):
    bundle = owner.bundle({"a.txt": b"hello"})
    expected = BytesIO()
    segno.make(bundle["link"], error="m", micro=False).save(expected, kind="svg", light="#fff", omitsize=True)
    assert Client().get(f"/b/{bundle['id']}/qr.svg").content == expected.getvalue()


def test_a_program_with_the_link_reads_what_is_in_a_bundle(owner):
    bundle = owner.bundle({"a.txt": b"hello", "b.txt": b"more"}, title="For Ada")
    contents = Client().get(f"/b/{bundle['id']}/", headers={"Accept": "application/json"}).json()
    assert (contents["title"], contents["size"], contents["downloads"]) == ("For Ada", 9, None)
    assert [(one["name"], one["size"]) for one in contents["uploads"]] == [("a.txt", 5), ("b.txt", 4)]
    assert [Client().get(one["download"]).status_code for one in contents["uploads"]] == [302, 302]
    browser = Client().get(f"/b/{bundle['id']}/", headers={"Accept": "text/html,application/json;q=0.9"})
    assert browser["Content-Type"].startswith("text/html")


def test_a_locked_bundle_tells_a_program_nothing(owner):
    bundle = owner.bundle({"a.txt": b"hello", "b.txt": b"more"}, title="For Ada", password="secret")
    refused = Client().get(f"/b/{bundle['id']}/", headers={"Accept": "application/json"})
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "locked"
