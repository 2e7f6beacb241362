"""My Images and My Files: what they show, and clear."""

import re
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mayfly import __version__
from mayfly.previews import make
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.visitors import boxes

from ...support.broken import down, storage_class
from ...support.people import Person
from ...support.samples import PNG
from .helpers import image, page

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_pages_with_the_form_load_the_upload_bundle(owner):
    upload = owner.upload()
    for path, offers in [("/images/", True), ("/files/", True), (f"/u/{upload['id']}/", False), ("/nowhere/", False)]:
        assert ("mayfly/bundle/upload" in page(owner.browser.get(path))) == offers, path


@pytest.mark.parametrize("path", ["/images/", "/files/"])
def test_the_form_tells_the_script_what_may_be_sent(path):
    form = page(Client().get(path))
    assert 'data-most-image="64000000" data-most-file="4096000000"' in form
    assert 'data-files="/files/"' in form
    assert 'data-api="/api/uploads"' in form
    assert 'data-live="/health/live"' in form


def test_the_home_page_leads_to_my_images():
    response = Client().get("/")
    assert (response.status_code, response["Location"]) == (302, "/images/")


@pytest.mark.parametrize("path", ["/images/", "/files/"])
def test_an_empty_page_says_so_and_gives_the_visitor_a_box(path):
    browser = Client()
    response = browser.get(path)
    assert response.status_code == 200
    assert 'class="empty"' in page(response)
    cookie = browser.cookies[boxes.COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert boxes.COOKIE not in browser.get(path).cookies  # one is enough


def test_the_page_shows_the_newest_three_of_four_images(owner):
    browser = owner.browser
    for number in range(1, 5):
        browser.post("/images/", {"file": image(f"dot{number}.png")})
    assert "Deleted to make room: dot1.png<" in page(browser.get("/images/"))
    text = page(browser.get("/images/"))
    assert "dot1.png" not in text
    assert text.index("dot4.png") < text.index("dot3.png") < text.index("dot2.png")


def test_a_full_page_says_which_image_the_next_one_replaces(owner):
    browser = owner.browser
    for number in (1, 2, 3):
        assert "The next image replaces this one" not in page(browser.get("/images/"))
        browser.post("/images/", {"file": image(f"dot{number}.png")})
    _, _, last = page(browser.get("/images/")).partition("dot1.png")
    assert "The next image replaces this one" in last


@pytest.mark.parametrize("number", [0, 1])
def test_the_owner_keeps_an_upload_longer_from_the_list(owner, number):
    """The newest file has a place of its own on the page."""
    uploads = [owner.upload() for _ in range(2)]
    path = f"/u/{uploads[number]['id']}/keep"
    assert f'formaction="{path}"' in page(owner.browser.get("/files/"))
    for cursor in ("", f"after={uploads[1]['id']}"):
        response = owner.browser.post(path, {"list": cursor})
        assert (response.status_code, response["Location"]) == (303, f"/files/?{cursor}".rstrip("?"))
    assert Upload.objects.get(pk=uploads[number]["id"]).lifetime == timedelta(minutes=45)


def test_the_newest_file_comes_first_with_its_download_link(owner):
    browser = owner.browser
    for name in ("old.txt", "new.txt"):
        browser.post("/files/", {"file": SimpleUploadedFile(name, b"x")})
    newest = Upload.objects.get(name="new.txt")
    text = page(browser.get("/files/"))
    assert text.index(f'href="/u/{newest.pk}/download"') < text.index("old.txt")
    assert f'value="http://testserver/u/{newest.pk}/"' in text


def test_clear_removes_all_of_one_kind_from_page_and_storage(owner):
    browser = owner.browser
    browser.post("/images/", {"file": [image("1.png"), image("2.png")]})
    browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x")})
    response = browser.post("/images/clear/")
    assert (response.status_code, response["Location"]) == (303, "/images/")
    text = page(browser.get("/images/"))
    assert "2 uploads deleted." in text
    assert 'class="empty"' in text
    assert "a.txt" in page(browser.get("/files/"))
    for upload in Upload.objects.filter(kind="image"):
        assert upload.state == State.GONE
        assert storage.length(upload.key) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "2 uploads are being deleted."),
        ("es", "Se están borrando 2 envíos."),
        ("pt-br", "2 envios estão sendo apagados."),
    ],
)
def test_clear_says_how_many_uploads_are_still_being_deleted(owner, monkeypatch, language, text):
    """Case 57: they are hidden, and the sweep removes their bytes."""
    browser = owner.browser
    browser.post("/files/", {"file": [SimpleUploadedFile(name, b"x") for name in ("a", "b", "c")]})
    kept = [upload.key for upload in Upload.objects.all()[:2]]
    unproven = storage_class().unproven
    monkeypatch.setattr(
        storage_class(),
        "unproven",
        lambda self, keys, *, seconds: unproven(self, keys, seconds=seconds) | dict.fromkeys(kept, "no answer in time"),
    )
    browser.post("/files/clear/", headers={"Accept-Language": language})
    shown = page(browser.get("/files/", headers={"Accept-Language": language}))
    assert text in shown
    assert 'class="empty"' in shown


def test_delete_says_if_the_upload_is_still_being_deleted(owner, monkeypatch):
    browser = owner.browser
    browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x")})
    monkeypatch.setattr(storage_class(), "remove", down)
    browser.post(f"/u/{Upload.objects.get().pk}/delete")
    shown = page(browser.get("/files/"))
    assert "1 upload is being deleted." in shown
    assert "a.txt deleted." not in shown


def test_another_visitor_sees_and_changes_nothing_of_mine(owner, stranger):
    owner.browser.post("/files/", {"file": SimpleUploadedFile("mine.txt", b"x")})
    upload = Upload.objects.get()
    browser = stranger.browser
    assert "mine.txt" not in page(browser.get("/files/"))
    assert browser.post(f"/u/{upload.pk}/delete").status_code == 404
    browser.post("/files/clear/")
    assert Upload.objects.live().count() == 1
    assert "Delete now" not in page(browser.get(f"/u/{upload.pk}/"))


def test_a_page_is_found_without_its_slash():
    assert Client().get("/files")["Location"] == "/files/"


def test_caches_store_no_page(owner):
    upload = owner.upload()
    for path in ("/images/", "/files/", f"/u/{upload['id']}/"):
        assert "no-store" in owner.browser.get(path)["Cache-Control"]


def test_a_shared_box_shows_the_same_to_all_visitors(settings):
    settings.SHARED_BOX = True
    one, other = Client(), Client()
    one.post("/files/", {"file": SimpleUploadedFile("ours.txt", b"x")})
    assert "ours.txt" in page(other.get("/files/"))
    other.post("/files/clear/")
    assert "ours.txt" not in page(one.get("/files/"))


def test_each_upload_fades_by_its_own_lifetime():
    owner = Person()
    upload = owner.upload(lifetime=100)
    Upload.objects.filter(pk=upload["id"]).update(lifetime=timedelta(seconds=1000))
    assert "fade-4" in page(owner.browser.get("/files/"))


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_get_of_an_address_for_posts_leads_to_its_page(owner, method):
    upload = owner.upload()
    for path, leads_to in (
        ("/images/clear/", "/images/"),
        ("/files/clear/", "/files/"),
        (f"/u/{upload['id']}/delete", f"/u/{upload['id']}/"),
    ):
        response = getattr(owner.browser, method)(path)
        assert (response.status_code, response["Location"]) == (302, leads_to)
        assert "no-store" in response["Cache-Control"]
    assert Upload.objects.live().count() == 1


def test_my_images_asks_the_table_once(owner):
    for number in (1, 2, 3):
        upload = owner.upload(PNG, kind="image", name=f"{number}.png")
    Upload.objects.filter(pk=upload["id"]).update(
        state=State.GONE, name="", address="", code=None, removed_at=Now(), refusal="It is damaged."
    )
    with CaptureQueriesContext(connection) as asked:
        text = page(owner.browser.get("/images/"))
    assert ["uploads_upload" in query["sql"] for query in asked] == [True]
    assert "2 images" in text
    assert "We could not show one of your images and deleted it. It is damaged." in text


@pytest.mark.parametrize("kind", ["image", "file"])
def test_selected_uploads_are_deleted_and_no_others(owner, stranger, kind):
    mine = [owner.upload(PNG, kind=kind)["id"] for _ in range(3)]
    other_kind = owner.upload(PNG, kind="file" if kind == "image" else "image")["id"]
    theirs = stranger.upload(PNG, kind=kind)["id"]
    browser = owner.browser
    assert all(f'value="{pk}"' in page(browser.get(f"/{kind}s/")) for pk in mine)
    ids = [*mine[:2], other_kind, theirs, "x", "\0", "x" * 22]
    response = browser.post(f"/{kind}s/delete/", {"id": ids, "list": "sort=name"})
    assert (response.status_code, response["Location"]) == (303, f"/{kind}s/?sort=name")
    assert set(Upload.objects.live().values_list("pk", flat=True)) == {mine[2], other_kind, theirs}
    assert "2 uploads deleted." in page(browser.get(f"/{kind}s/"))


def test_nothing_is_deleted_if_nothing_is_selected(owner):
    owner.upload()
    for browser in (owner.browser, Client()):
        assert browser.post("/files/delete/").status_code == 303
    assert owner.browser.get("/files/delete/")["Location"] == "/files/"
    assert Upload.objects.live().count() == 1


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("", ["c.txt", "A.txt", "d.txt", "b.txt"]),
        ("name", ["A.txt", "b.txt", "c.txt", "d.txt"]),
        ("size", ["b.txt", "c.txt", "d.txt", "A.txt"]),
        ("left", ["c.txt", "d.txt", "b.txt", "A.txt"]),
        ("elsewhere", ["c.txt", "A.txt", "d.txt", "b.txt"]),
    ],
)
def test_a_list_has_the_order_that_its_address_asks_for(owner, order, names):
    for name, size, lifetime in (("b.txt", 1, 700), ("d.txt", 3, 400), ("A.txt", 4, 900), ("c.txt", 2, 300)):
        owner.upload(bytes(size), name=name, lifetime=lifetime)
    text = page(owner.browser.get(f"/files/?sort={order}"))
    assert re.findall(r"<bdi>([^<]+)</bdi></a></h3>", text) == names
    current = re.findall(r'<a id="sort-(\w+)"[^>]* aria-current="true"', text)
    assert current == [order if order in ("name", "size", "left") else "newest"]


def test_a_form_says_which_images_stay_and_which_made_room(owner):
    browser = owner.browser
    browser.post("/images/", {"file": [image("old.png"), image("hills.png")]})
    assert "2 images are here." in page(browser.get("/images/"))
    browser.post("/images/", {"file": [image(f"{number}.png") for number in range(4)]})
    text = page(browser.get("/images/"))
    assert "3 images are here." in text
    assert "Deleted to make room: old.png, hills.png, 0.png<" in text


def test_many_long_names_fit_into_a_message(owner, limits):
    """A message travels in a cookie, which has 4 kB."""
    limits(images_kept=1)
    browser = owner.browser
    browser.post("/images/", {"file": [image(f"{number}{'ä' * 240}.png") for number in range(9)]})
    text = page(browser.get("/images/"))
    assert "1 image is here." in text
    assert f"0{'ä' * 33}…{'ä' * 16}.png, 1" in text
    assert f"4{'ä' * 33}…{'ä' * 16}.png, …<" in text


def test_a_long_name_is_shown_without_its_middle(owner):
    upload = owner.upload(name=f"begin-{'x' * 200}-end.txt")
    for path in ("/files/", f"/u/{upload['id']}/"):
        text = page(owner.browser.get(path))
        assert (
            f'<span class="head">begin-{"x" * 28}</span><span class="rest">{"x" * 160}</span>{"x" * 12}-end.txt</bdi>'
            in text
        )
        assert f'title="{upload["name"]}"' in text


def test_a_file_that_is_an_image_has_a_picture_in_the_list(owner):
    picture = owner.upload(PNG, name="a.png")["id"]
    owner.upload(b"plain text", name="b.txt")
    owner.upload(bytes(range(256)), name="c.bin")
    text = page(owner.browser.get("/files/"))
    assert re.findall('<a class="picture" id="picture-(.*?)"', text) == [picture]
    assert "Preparing the preview" in text
    while make.make_due(storage=storage):
        pass
    text = page(owner.browser.get("/files/"))
    assert re.findall('<img src="/u/(.*?)/preview"', text) == [picture]
    assert "Preparing the preview" not in text


def test_a_file_whose_picture_cannot_be_made_stays_without_one(owner):
    owner.upload(PNG[:8] + bytes(60), name="broken.png")
    while make.make_due(storage=storage):
        pass
    text = page(owner.browser.get("/files/"))
    assert "broken.png" in text
    assert not re.search('class="picture"|<img src="/u/[^"]*/preview"', text)


def test_a_message_is_shown_once_and_only_then_its_cookie_goes(owner):
    browser = owner.browser
    assert "messages" not in browser.get("/images/").cookies
    browser.post("/images/", {"file": image()})
    response = browser.get("/images/")
    assert "1 image is here." in page(response)
    assert response.cookies["messages"]["max-age"] == 0
    response = browser.get("/images/")
    assert "1 image is here." not in page(response)
    assert "messages" not in response.cookies


@pytest.mark.parametrize(("count", "says"), [(1, "1 file · it expires in"), (2, "2 files · the next one expires in")])
def test_the_headline_says_how_many_there_are_and_when_one_expires(owner, count, says):
    for _ in range(count):
        owner.upload()
    text = page(owner.browser.get("/files/"))
    assert f"{says} 15 minutes" in re.sub(r"<small[^>]*>", "", text)


def test_the_foot_names_the_version():
    assert f"<small>Mayfly {__version__}</small>" in page(Client().get("/images/"))
