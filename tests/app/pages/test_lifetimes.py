"""The lifetime that a sender chooses, in the form and with `curl -T`."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mayfly.uploads.models import Upload

from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)


def text_file(name: str = "a.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"hello")


def offered(client: Client) -> list[tuple[str, bool, str]]:
    """The form's lifetimes: the value, whether it is chosen, and its words."""
    found = re.findall(
        r'name="lifetime" value="(\d+)"( checked)?>([^<]+)<', page(client.get("/files/")).replace("\u00a0", " ")
    )
    return [(value, bool(checked), words) for value, checked, words in found]


def test_the_form_offers_four_lifetimes_and_the_usual_one_is_chosen():
    assert offered(Client()) == [
        ("300", False, "5 min"),
        ("900", True, "15 min"),
        ("3600", False, "1 h"),
        ("43200", False, "12 h"),
    ]


def test_the_form_offers_no_lifetime_above_the_longest(limits):
    limits(lifetime=timedelta(minutes=20), longest_lifetime=timedelta(minutes=90))
    assert [(words, chosen) for _, chosen, words in offered(Client())] == [
        ("5 min", False),
        ("15 min", False),
        ("20 min", True),
        ("1 h", False),
    ]


@pytest.mark.parametrize("first", ["the file", "the lifetime"])
def test_the_form_keeps_its_files_for_the_chosen_lifetime(owner, first):
    form = {"file": [text_file("a.txt"), text_file("b.txt")], "lifetime": "3600"}
    names = sorted(form, reverse=first == "the lifetime")
    assert owner.browser.post("/files/", {name: form[name] for name in names}).status_code == 303
    for upload in Upload.objects.of(owner.box).live():
        assert upload.lifetime == timedelta(hours=1)
        assert upload.expires_at - upload.completed_at == timedelta(hours=1)


@pytest.mark.parametrize("given", ["0", "43201", "-5", "1e3", "ten", "9" * 30, "\u0663\u0663"])
def test_a_lifetime_that_is_not_possible_is_refused_in_words(owner, given):
    words = "A lifetime is from 1 to 43200 seconds."
    response = owner.browser.post("/files/", {"file": text_file(), "lifetime": given})
    assert words in page(response)
    response = Client().put(f"/a.txt?lifetime={given}", b"hello")
    assert (response.status_code, page(response)) == (400, f"{words}\n")
    assert not Upload.objects.live().exists()


def test_curl_keeps_a_file_for_the_lifetime_in_its_address():
    assert Client().put("/a.txt?lifetime=60", b"hello").status_code == 201
    assert Client().put("/b.txt", b"hello").status_code == 201
    assert dict(Upload.objects.values_list("name", "lifetime")) == {
        "a.txt": timedelta(minutes=1),
        "b.txt": timedelta(minutes=15),
    }
