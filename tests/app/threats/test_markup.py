"""Markup and odd characters in names and titles, and caches that keep too much."""

import re
from html.parser import HTMLParser
from itertools import cycle
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mayfly.uploads.models import Upload

from ...support.making import expire
from ...support.samples import PNG, SVG
from ...support.senders import by_api, by_curl, downloaded, saved_as

pytestmark = pytest.mark.django_db

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


OUR_ICON = [("class", "icon"), ("viewbox", "0 0 24 24"), ("aria-hidden", "true")]


class Page(HTMLParser):
    """A page as a browser parses it: its text, elements and attributes."""

    def __init__(self, response):
        super().__init__()
        self.text, self.elements, self.attributes = "", set(), {}
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attributes):
        ours = attributes == OUR_ICON or tag == "path"
        self.elements.add("icon" if ours else tag)
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
    # Our own scripts are files, so text between the tags could only be a visitor's.
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


def test_markup_in_a_name_is_text_in_a_refusal(owner):
    """Case 4."""
    names = [words.replace("/", "") for words in MARKUP]  # a form keeps only the last part of a path
    response = owner.browser.post("/images/", {"file": [SimpleUploadedFile(name, SVG) for name in names]})
    assert response.status_code == 422
    for name in names[:-1]:  # the page shows the last one without its entities
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
    """The names of all headers and cookies, answer by answer, in the life of an upload with this name and title."""
    upload, client = owner.upload(name=name, title=title), owner.browser
    pages = [client.get(path) for path in ("/files/", f"/u/{upload['id']}/", f"/u/{upload['id']}/download")]
    answers = [*pages, owner.get(f"/api/uploads/{upload['id']}"), downloaded(upload["id"])]
    # A cookie carries the name to the page that reports the deletion.
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
    words = words.replace("/", "|")  # curl sends only the last part of a path as the name
    assert headers_of(owner, f"{words} name", f"{words} title") == headers_of(owner, "a.txt", "a title")


NAMES = [
    'a "b"; filename=evil.exe',
    "100% %22 %0d%0a.txt",
    "cafe\u0301 in NFD.txt",
    "łódź, 猫, кот.jpg",
    "🦋.png",
    "猫" * 255,
    " .hidden",
    "👩‍👩‍👧‍👦.png",
    "a&amp;b.txt",
]


def assert_names_are_intact(names) -> None:
    assert set(Upload.objects.values_list("name", flat=True)) == set(names)
    for upload in Upload.objects.all():
        header = downloaded(upload.pk).headers["Content-Disposition"]
        assert header.isascii()
        assert saved_as(header) == upload.name


def test_a_name_sent_to_the_api_stays_intact(owner):
    """Case 5."""
    for name in NAMES:
        by_api(owner, b"hello", "", name=name)
    assert_names_are_intact(NAMES)


def test_a_name_sent_by_curl_stays_intact(owner):
    """Case 5."""
    for name in NAMES:
        by_curl(owner, b"hello", "", name=quote(name))
    assert_names_are_intact(NAMES)


def test_a_name_sent_by_form_stays_intact(owner):
    """Case 5: except for a quote, which browsers send as %22 (WHATWG, multipart/form-data)."""
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
def test_no_cache_may_keep_an_answer_about_an_upload(owner, over):
    """Case 8: neither an answer about a live upload, nor the answer that it has expired."""
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
