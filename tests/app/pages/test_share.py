"""One upload by its link: the share page, the download, the QR code, and the receipt."""

import re
from datetime import datetime, timedelta
from io import BytesIO
from urllib.parse import quote

import pytest
import segno
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.uploads import lifecycle
from mayfly.uploads.models import Upload

from ...support.making import expire
from ...support.people import body_of, fetch
from ...support.samples import PNG
from ...support.senders import saved_as
from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_link_has_a_qr_code_until_its_upload_expires(owner):
    upload = owner.upload()
    address = f"/u/{upload['id']}/qr.svg"
    response = Client().get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "image/svg+xml")
    expected = BytesIO()
    segno.make(upload["link"], error="m", micro=False).save(expected, kind="svg", light="#fff", omitsize=True)
    assert response.content == expected.getvalue()
    expire(upload)
    assert Client().get(address).status_code == 410


@pytest.mark.parametrize("kind", ["image", "file"])
def test_every_card_has_its_qr_code_folded(owner, kind):
    content = PNG if kind == "image" else b"hello"
    uploads = [owner.upload(content, kind=kind, name=f"{number}.png") for number in range(3)]
    text = page(owner.browser.get(f"/{kind}s/"))
    for upload in uploads:
        details = re.search(rf'<details [^>]*id="qr-{upload["id"]}".*?</details>', text, re.DOTALL)[0]
        assert not re.search(r"^<details [^>]*\bopen\b", details)
        assert re.search(rf'<img [^>]*src="/u/{upload["id"]}/qr.svg"[^>]* loading="lazy">', details)
        assert f'aria-label="QR code and words: {upload["name"]}"' in details


def test_no_page_shows_an_expired_upload(owner):
    upload = owner.upload(name="mine.txt")
    expire(upload)
    assert "mine.txt" not in page(owner.browser.get("/files/"))
    gone = Client().get(f"/u/{upload['id']}/")
    assert gone.status_code == 410
    assert "being deleted" in page(gone)
    lifecycle.sweep(storage=storage)
    assert "nothing of it is left in storage" in page(Client().get(f"/u/{upload['id']}/"))
    assert Client().get(f"/u/{upload['id']}/download").status_code == 410


def test_any_visitor_with_the_link_sees_and_fetches_an_upload(owner):
    upload = owner.upload(b"hello", name="a.txt", title="for you")
    response = Client().get(f"/u/{upload['id']}/")
    assert response.status_code == 200
    assert "for you" in page(response)
    download = Client().get(f"/u/{upload['id']}/download")
    assert download.status_code == 302
    assert "no-store" in download["Cache-Control"]
    assert body_of(fetch(download["Location"])) == b"hello"


def test_the_owner_deletes_from_the_share_page(owner):
    upload = owner.upload(name="a.txt")
    browser = owner.browser
    assert "Delete now" in page(browser.get(f"/u/{upload['id']}/"))
    response = browser.post(f"/u/{upload['id']}/delete")
    assert (response.status_code, response["Location"]) == (303, "/files/")
    assert "a.txt deleted." in page(browser.get("/files/"))
    assert browser.get(f"/u/{upload['id']}/").status_code == 410


@pytest.mark.parametrize("route", ["", "download"])
def test_a_pending_upload_gets_the_same_404_as_an_unknown_one(owner, route):
    pending = owner.begin()
    assert Client().get(f"/u/{'x' * 22}/{route}").status_code == 404
    assert Client().get(f"/u/{pending['id']}/{route}").status_code == 404


@pytest.mark.parametrize("pk", ["../etc", "x" * 5000, "%00", "a\u202eb", "'; DROP TABLE"])
def test_an_impossible_id_gets_404(pk):
    assert Client().get(f"/u/{quote(pk, safe='%')}/").status_code == 404


def test_a_receipt_has_no_name(owner):
    upload = owner.upload(name="secret-name.txt", title="secret-title")
    owner.delete(f"/api/uploads/{upload['id']}")
    text = page(Client().get(f"/u/{upload['id']}/"))
    assert "secret" not in text


@pytest.mark.parametrize("name", ['a "b"; c.txt', "naïve.txt", "写真.jpg", "🦋.png", "<script>.svg", "nai\u0308ve.txt"])
def test_a_download_has_the_name_that_was_sent(owner, name):
    upload = owner.upload(name=name)
    location = Client().get(f"/u/{upload['id']}/download")["Location"]
    disposition = fetch(location).headers["Content-Disposition"]
    assert saved_as(disposition) == name


def test_a_receipt_says_if_the_upload_was_deleted_early(owner):
    early, late = owner.upload(), owner.upload()
    owner.delete(f"/api/uploads/{early['id']}")
    expire(late)
    lifecycle.sweep(storage=storage)
    assert "<dt>Would have expired</dt>" in page(Client().get(f"/u/{early['id']}/"))
    assert "<dt>Expired</dt>" in page(Client().get(f"/u/{late['id']}/"))


def test_a_link_preview_has_the_time_and_never_the_name(owner):
    upload = owner.upload(name="secret-plan.pdf", title="secret title")
    text = page(Client().get(f"/u/{upload['id']}/"))
    shown = dict(re.findall(r'<meta property="(og:\w+)" content="(.*?)">', text))
    until = datetime.fromisoformat(upload["expires_at"])
    assert shown["og:title"] == f"A file, here until {until:%H:%M} UTC"
    assert shown["og:image"].startswith("http://testserver/static/mayfly/link")
    assert not [content for content in re.findall(r"<meta[^>]*>", text) if "secret" in content]


def test_a_recipient_s_filled_button_is_the_download(owner):
    pk = owner.upload()["id"]
    download = f'href="/u/{pk}/download"'
    assert f'<a class="button" {download}' in page(Client().get(f"/u/{pk}/"))
    assert f'<a class="button quiet" {download}' in page(owner.browser.get(f"/u/{pk}/"))


def test_no_page_is_the_current_one_for_a_recipient(owner):
    pk = owner.upload()["id"]
    assert 'aria-current="page"' not in page(Client().get(f"/u/{pk}/"))
    assert page(owner.browser.get(f"/u/{pk}/")).count('aria-current="page"') == 1


def test_the_owner_keeps_an_upload_longer_from_its_page(owner, limits):
    upload = owner.upload()
    link = f"/u/{upload['id']}/"
    assert "Keep 15 more minutes" in page(owner.browser.get(link))
    assert "Keep 15 more minutes" not in page(Client().get(link))
    response = owner.browser.post(f"{link}keep")
    assert (response.status_code, response["Location"]) == (303, link)
    row = Upload.objects.get(pk=upload["id"])
    assert row.lifetime == row.expires_at - row.completed_at == timedelta(minutes=30)
    limits(longest_lifetime=timedelta(minutes=35))
    assert "Keep 5 more minutes" in page(owner.browser.get(link))
    owner.browser.post(f"{link}keep")
    assert "more minutes" not in page(owner.browser.get(link))
    response = owner.browser.get(f"{link}keep")
    assert (response.status_code, response["Location"]) == (302, link)


def test_nothing_that_is_over_or_a_strangers_can_be_kept(owner, stranger):
    """Case 31."""
    upload = owner.upload()
    route = f"/u/{upload['id']}/keep"
    assert stranger.browser.post(route).status_code == Client().post(route).status_code == 404
    assert expire(upload).lifetime == timedelta(minutes=15)
    assert owner.browser.post(route).status_code == 410
