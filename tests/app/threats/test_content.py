"""What is inside: scripts, lies about types, markup and odd characters in names, and caches that keep what is over."""

import re
import time
from html.parser import HTMLParser
from itertools import cycle
from urllib.parse import quote

import pytest
import pyvips
from django.contrib.auth.models import User
from django.core.files.storage import default_storage as storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mayfly.previews.tasks import waiting_previews
from mayfly.uploads.choices import Kind
from mayfly.uploads.content import content_type_of
from mayfly.uploads.models import Upload

from .. import pictures
from ..conftest import PNG, body_of, expire, fetch
from ..pages.helpers import saved_as

pytestmark = pytest.mark.django_db(transaction=True)

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
# What a browser would run or show, if it were sent with its own type from our origin.
RUNS = {
    "image/svg+xml": SVG,
    "text/html": b"<!doctype html><script>alert(1)</script>",
    "application/xhtml+xml": b'<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
    "text/xml": b'<?xml version="1.0"?><?xml-stylesheet href="data:text/xsl,x"?><a/>',
    "application/pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    "multipart/x-mixed-replace; boundary=b": b"--b\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>\r\n",
    "multipart/related": b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n",
    "text/javascript": b"alert(1)",
}


def by_api(owner, content: bytes, declared: str, **more) -> None:
    owner.upload(content, type=declared, **more)


def by_form(owner, content: bytes, declared: str, *, name: str = "a.html", kind: str = "file") -> None:
    owner.browser.post(f"/{kind}s/", {"file": SimpleUploadedFile(name, content, declared)})


def by_curl(owner, content: bytes, declared: str, *, name: str = "a.html") -> None:
    Client().put(f"/{name}", content, declared, headers={"X-Box-Token": owner.headers["Authorization"].split()[1]})


def downloaded(pk: str):
    """The answer that holds the bytes, from the app or from S3."""
    return fetch(Client().get(f"/u/{pk}/download")["Location"])


def assert_saved_and_never_run(answer, content_type: str = "application/octet-stream") -> None:
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Disposition"].startswith("attachment")
    if hasattr(answer, "wsgi_request"):  # the app's own origin
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.parametrize(
    ("sent", "declared"),
    [(by_api, declared) for declared in RUNS]
    + [(sent, declared) for sent in (by_form, by_curl) for declared in ("text/html", "image/svg+xml")],
)
def test_what_a_browser_would_run_is_saved_and_never_shown(owner, sent, declared):
    """Cases 1, 2: whichever way it came, and whatever type it was declared to be."""
    sent(owner, RUNS[declared], declared)
    answer = downloaded(Upload.objects.get().pk)
    assert_saved_and_never_run(answer)
    assert body_of(answer) == RUNS[declared]


POLYGLOTS = {
    "image/gif": b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)//<script>alert(1)</script>",
    "image/jpeg": b"\xff\xd8\xff\xe0\x2f\x2a*/=alert(1)/*<script>alert(1)</script>",
    "image/png": PNG + b"<script>alert(1)</script>",
    "image/webp": b"RIFF/*\x00\x00WEBPVP8 */=1;alert(1)",
}


@pytest.mark.parametrize("content_type", POLYGLOTS)
def test_an_image_that_is_also_a_script_goes_out_as_an_image_to_be_saved(owner, content_type):
    """Case 3."""
    owner.upload(POLYGLOTS[content_type], kind="image", name="a.html", type="text/html")
    answer = downloaded(Upload.objects.get().pk)
    assert_saved_and_never_run(answer, content_type)
    assert body_of(answer) == POLYGLOTS[content_type]


def preview_of(owner, content: bytes, *, kind: str = "image") -> bytes | None:
    """What is shown of an image once the worker has looked at it; None where it was refused."""
    upload = owner.upload(content, kind=kind)
    waiting_previews()
    answer = Client().get(f"/u/{upload['id']}/preview")
    if answer.status_code == 410:
        assert storage.length(f"uploads/{upload['id']}") is None
        assert owner.get(f"/api/uploads/{upload['id']}").status_code == 422
        return None
    answer = fetch(answer["Location"])
    assert answer.headers["Content-Type"] == "image/webp"
    return body_of(answer)


@pytest.mark.parametrize("content_type", POLYGLOTS)
def test_of_an_image_that_is_also_a_script_nothing_but_our_own_picture_is_shown(owner, content_type):
    """Case 3: what no decoder takes is refused, and what one takes is encoded anew, without the script."""
    preview = preview_of(owner, POLYGLOTS[content_type])
    assert (preview is not None) is (content_type == "image/png")
    assert b"script" not in (preview or b"")


TIFF = pictures.gradient(9, 9).tiffsave_buffer()


@pytest.mark.parametrize("signature", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\x00\x00\x00\x00WEBPVP"])
@pytest.mark.parametrize("content", [SVG, TIFF, b"%PDF-1.7\n", bytes(99)], ids=["svg", "tiff", "pdf", "zeros"])
def test_first_bytes_that_lie_make_no_image(owner, signature, content):
    """Case 3: they decide which decoder is asked, and that one does not believe them."""
    assert preview_of(owner, signature + content) is None


def camera() -> dict[str, bytes]:
    """By type, a photograph as a telephone takes it: where, when, with what, and a picture of it within."""
    picture = pictures.gradient().copy()
    gint, gstr, blob = pyvips.GValue.gint_type, pyvips.GValue.gstr_type, pyvips.GValue.blob_type
    picture.set_type(gint, "orientation", 6)
    for name, value in {
        "exif-ifd0-Model": "PrivatePhone",
        "exif-ifd0-Artist": "Jane Private",
        "exif-ifd2-DateTimeOriginal": "2026:11:21 10:00:00",
        "exif-ifd3-GPSLatitude": "52/1 31/1 12/1",
        "exif-ifd3-GPSLatitudeRef": "N",
    }.items():
        picture.set_type(gstr, name, value)
    picture.set_type(blob, "xmp-data", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>Jane Private</x:xmpmeta>")
    picture.set_type(blob, "iptc-data", b"Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x0cJane Private")
    return {
        "image/jpeg": picture.jpegsave_buffer(profile="p3"),
        "image/png": picture.pngsave_buffer(profile="p3"),
        "image/webp": picture.webpsave_buffer(profile="p3"),
        "image/avif": picture.heifsave_buffer(compression="av1", effort=0),
    }


@pytest.mark.parametrize("content_type", ["image/jpeg", "image/png", "image/webp", "image/avif"])
def test_a_preview_tells_nothing_of_where_when_and_by_whom_a_picture_was_taken(owner, content_type):
    """Case 7."""
    content = camera()[content_type]
    assert b"Jane Private" in content
    preview = preview_of(owner, content)
    assert b"Private" not in preview
    chunks, at = set(), 12  # RIFF, its size, WEBP; then name, size, content padded to two
    while at < len(preview):
        chunks.add(preview[at : at + 4])
        at += 8 + (int.from_bytes(preview[at + 4 : at + 8], "little") + 1) // 2 * 2
    assert chunks <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}  # no EXIF, no XMP, no ICCP
    assert pictures.opened(preview).height == 640  # turned, though it no longer says so


HOSTILE = {
    "a bomb of 900 megapixels": lambda: pictures.bomb(),
    "a row of 50 million pixels": lambda: pictures.claiming(50_000_000, 2),
    "a column of 50 million pixels": lambda: pictures.claiming(2, 50_000_000),
    "an interlaced one of 36 megapixels": lambda: pyvips.Image.black(6000, 6000).pngsave_buffer(interlace=True),
    "a header alone": lambda: PNG[:33],
    "a size of nothing": lambda: pictures.claiming(0, 0),
    "more than a PNG may have": lambda: pictures.claiming(2**31 - 1, 2**31 - 1),
    "a GIF as large as GIF allows": lambda: b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(6) + b"\x2c"
    + bytes(4) + b"\xff\xff\xff\xff\x00\x02\x02\x4c\x01\x00\x3b",
    "a JPEG that is refined for ever": lambda: pictures.jpeg(pictures.gradient(4000, 4000), interlace=True)[:-2] * 9,
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_image_is_refused_in_bounded_time_and_memory(owner, what):
    """Case 6."""
    content = HOSTILE[what]()
    began = time.monotonic()
    preview = preview_of(owner, content)
    assert time.monotonic() - began < 15
    assert preview is None or what == "a JPEG that is refined for ever"  # whose decoder stops where it first ends
    assert pictures.measured(content, content_type_of(Kind.IMAGE, content)).megabytes < 300


@pytest.mark.parametrize("declared", ["image/svg+xml", "text/html", "application/pdf"])
def test_a_declared_image_type_makes_no_image(owner, declared):
    """Case 3."""
    upload = owner.begin(RUNS[declared], kind="image", name="cat.png", type="image/png")
    owner.send_parts(upload, RUNS[declared])
    assert owner.post(f"/api/uploads/{upload['id']}/complete").status_code == 422
    assert storage.length(f"uploads/{upload['id']}") is None


MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</bdi></title><svg onload=alert(1)>",
    "{{ 7|add:7 }}{% debug %}",
    "{{ 7 * 7 }}{% raw %}{# {{ visit.csrf }} #}{% set page = 1 %}",
    "javascript:alert(1)",
    "&lt;b&gt;",
]


class Page(HTMLParser):
    """What a browser makes of a page: its text, and every element and attribute in it."""

    def __init__(self, response):
        super().__init__()
        self.text, self.elements, self.attributes = "", set(), {}
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        for name, value in attributes:
            self.attributes.setdefault(name, set()).add(value)

    def handle_data(self, data):
        self.text += data


def assert_nothing_of_it_runs(response, words: str) -> None:
    page = Page(response)
    assert words in page.text
    assert not page.elements & {"svg", "iframe", "object", "embed", "base"}
    assert not [name for name in page.attributes if name.startswith("on")]
    assert "x" not in page.attributes.get("src", ())
    links = page.attributes.get("href", set()) | page.attributes.get("action", set())
    assert not [link for link in links if link and link.lower().lstrip().startswith("javascript")]
    # Scripts of our own come from files; what is between the tags could only be a visitor's.
    assert not re.findall(r"<script[^>]*>[^<]+</script>", response.content.decode())


@pytest.mark.parametrize(("words", "kind"), list(zip(MARKUP, cycle(["image", "file"]))))
def test_markup_in_a_name_or_a_title_is_text_on_every_page(owner, kind, words):
    """Case 4."""
    upload = owner.upload(PNG, kind=kind, name=f"{words} name", title=f"{words} title")
    browser = owner.browser
    for path in (f"/{kind}s/", f"/u/{upload['id']}/"):
        response = browser.get(path)
        assert_nothing_of_it_runs(response, f"{words} name")
        assert_nothing_of_it_runs(response, f"{words} title")
    answer = owner.get(f"/api/uploads/{upload['id']}")
    assert answer.json()["name"] == f"{words} name"
    assert answer["Content-Type"].startswith("application/json")
    assert answer["X-Content-Type-Options"] == "nosniff"
    browser.post(f"/u/{upload['id']}/delete")
    assert_nothing_of_it_runs(browser.get(f"/{kind}s/"), f"{words} name deleted.")


def test_markup_in_a_name_is_text_in_what_is_said_of_a_refusal(owner):
    """Case 4."""
    names = [words.replace("/", "") for words in MARKUP]  # of a path a form keeps the last part
    response = owner.browser.post("/images/", {"file": [SimpleUploadedFile(name, SVG) for name in names]})
    assert response.status_code == 422
    for name in names[:-1]:  # the last one is said as the form has it, without its entities
        assert_nothing_of_it_runs(response, f"{name}: This is not an image we can show")


def test_markup_in_a_name_is_text_in_the_admin(owner):
    """Case 4."""
    pages = ["/admin/uploads/upload/"]
    for words in MARKUP:
        pk = owner.upload(name=words, title=words)["id"]
        pages += [f"{pages[0]}{pk}/change/", f"{pages[0]}{pk}/delete/"]
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    for path in pages:
        page = Page(operator.get(path))
        assert "alert" not in "".join(page.attributes.get("onclick", ()))
        assert not {"onerror", "onload", "onmouseover"} & set(page.attributes)
        assert "x" not in page.attributes.get("src", ())
        if path == pages[0]:
            assert all(words in page.text for words in MARKUP)


def headers_of(owner, name: str, title: str) -> list[set[str]]:
    """The names of all headers and cookies, answer by answer, through the life of an upload that is called so."""
    upload, client = owner.upload(name=name, title=title), owner.browser
    pages = [client.get(path) for path in ("/files/", f"/u/{upload['id']}/", f"/u/{upload['id']}/download")]
    answers = [*pages, owner.get(f"/api/uploads/{upload['id']}"), downloaded(upload["id"])]
    # Its name travels in a cookie to the page that says that it is gone.
    answers += [client.post(f"/u/{upload['id']}/delete"), client.get("/files/")]
    answers.append(Client().put(f"/{quote(name, safe='')}", b"hello"))
    assert not [answer for answer in answers if answer.status_code >= 400]
    return [
        {*answer.headers, *(f"{key}={sorted(morsel)}" for key, morsel in getattr(answer, "cookies", {}).items())}
        for answer in answers
    ]


@pytest.mark.parametrize(
    "words", [*MARKUP, 'a"; Domain=evil.example; HttpOnly=0', "a\r\nSet-Cookie: x=1\r\n\r\n<script>alert(1)</script>"]
)
def test_markup_in_a_name_or_a_title_adds_no_header_and_no_cookie(owner, words):
    """Cases 4, 5."""
    words = words.replace("/", "|")  # of what curl is given, only the last part is a name
    assert headers_of(owner, f"{words} name", f"{words} title") == headers_of(owner, "a.txt", "a title")


NAMES = [
    'a "b"; filename=evil.exe',
    "100% %22 %0d%0a.txt",
    "cafe\u0301 in NFD.txt",
    "łódź, 猫, кот.jpg",
    "🦋.png",
    "猫" * 255,
    " .hidden",
    "\u202egpj.exe",
    "👩‍👩‍👧‍👦.png",
    "a&amp;b.txt",
]


def assert_names_are_intact(names) -> None:
    assert set(Upload.objects.values_list("name", flat=True)) == set(names)
    for upload in Upload.objects.all():
        header = downloaded(upload.pk).headers["Content-Disposition"]
        assert header.isascii()
        assert saved_as(header) == upload.name


def test_a_name_sent_to_the_api_comes_down_intact(owner):
    """Case 5."""
    for name in NAMES:
        by_api(owner, b"hello", "", name=name)
    assert_names_are_intact(NAMES)


def test_a_name_sent_by_curl_comes_down_intact(owner):
    """Case 5."""
    for name in NAMES:
        by_curl(owner, b"hello", "", name=quote(name))
    assert_names_are_intact(NAMES)


def test_a_name_sent_by_form_comes_down_intact(owner):
    """Case 5: but for a quote, which browsers send as %22 (WHATWG, multipart/form-data)."""
    names = [name.replace('"', "%22") for name in NAMES]
    owner.browser.post("/files/", {"file": [SimpleUploadedFile(name, b"hello") for name in names]})
    assert_names_are_intact(names)


def test_line_breaks_in_a_name_reach_no_header(owner):
    """Case 5."""
    upload = owner.upload(name="a\r\nSet-Cookie: x=1\x00\x85.txt")
    assert upload["name"] == "a__Set-Cookie: x=1__.txt"
    answer = downloaded(upload["id"])
    assert saved_as(answer.headers["Content-Disposition"]) == upload["name"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("over", [False, True], ids=["live", "over"])
def test_no_cache_may_keep_what_tells_of_an_upload(owner, over):
    """Case 8: neither while it is here, nor the answer that it is over."""
    pk, pending = owner.upload()["id"], owner.begin()["id"]
    if over:
        expire(Upload.objects.get(pk=pk))
    routes = ["/files/", "/images/", f"/u/{pk}/", f"/u/{pk}/download"]
    routes += ["/api/uploads", f"/api/uploads/{pk}", f"/api/uploads/{pending}/parts"]
    kept = [
        route
        for route in routes
        for response in (owner.browser.get(route), owner.get(route))
        if "no-store" not in response.get("Cache-Control", "")
    ]
    assert kept == []


def test_no_cache_may_keep_the_bytes(owner):
    """Case 8."""
    assert downloaded(owner.upload()["id"]).headers["Cache-Control"] == "no-store"
