"""Type a code: four words lead to an upload, on a device that has no link."""

import re

import pytest
from django.conf import settings as configured
from django.test import Client
from django.utils.translation import gettext, override

from mayfly.uploads.models import Upload
from mayfly.visitors import rates

from ...support.making import expire
from ...support.people import Person
from ...support.samples import PNG
from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)

LANGUAGES = [code for code, _ in configured.LANGUAGES]


def typed(code: str, **more):
    return Client().post("/code/", {"code": code}, **more)


def test_the_words_lead_to_the_share_page_on_any_device(owner):
    upload = owner.upload(name="mine.txt")
    response = typed(upload["code"].replace("-", " ").upper())
    assert (response.status_code, response["Location"]) == (303, f"/u/{upload['id']}/")
    assert "mine.txt" in page(Client().get(response["Location"]))


def test_the_form_needs_no_script():
    text = page(Client().get("/code/"))
    assert re.search(r'<form [^>]*method="post" action="/code/"', text)
    assert text.count('name="code"') == 1
    assert 'href="/code/"' in page(Client().get("/images/"))
    assert Client().get("/code")["Location"] == "/code/"


@pytest.mark.parametrize("kind", ["image", "file"])
def test_the_owner_reads_the_words_in_list_and_on_the_share_page(owner, kind):
    uploads = [owner.upload(PNG, kind=kind, name=f"{number}.png") for number in range(2)]
    for path in (f"/{kind}s/", f"/u/{uploads[0]['id']}/"):
        text = page(owner.browser.get(path))
        assert uploads[0]["code"].replace("-", " ") in text
        assert "testserver/code/" in text


def test_a_stranger_reads_no_words(owner):
    upload = owner.upload()
    text = page(Client().get(f"/u/{upload['id']}/"))
    assert upload["code"].replace("-", " ") not in text
    assert upload["code"] not in text
    assert "qr.svg" in text
    assert Person().get(f"/api/uploads/{upload['id']}").status_code in (401, 404)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_typing_error_is_told_in_the_visitors_language(language):
    headers = {"Accept-Language": language}
    response = typed("ambre road tulip moon", headers=headers)
    assert response.status_code == 400
    with override(language):
        words = gettext("No code has the word %(word)s. Do you mean %(near)s?") % {"word": "ambre", "near": "amber"}
    assert words in page(response)
    assert 'value="ambre road tulip moon"' in page(response)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_no_upload_has_get_404_in_words(owner, language):
    upload = owner.upload()
    code = upload["code"]
    expire(upload)
    headers = {"Accept-Language": language}
    never, expired = typed("amber road tulip moon", headers=headers), typed(code, headers=headers)
    assert never.status_code == expired.status_code == 404
    with override(language):
        words = gettext(
            "No upload has this code now. A code ends with its upload. Check the words, or ask for a new one."
        )
    assert words in page(never)
    assert words in page(expired)


def test_markup_for_a_code_is_text():
    """Case 4."""
    text = page(typed('"><script>alert(1)</script>'))
    assert "<script>alert" not in text


def test_nothing_is_stored_or_set_by_a_wrong_code():
    response = typed("amber road tulip moon")
    assert "no-store" in response["Cache-Control"]
    assert "box" not in response.cookies
    assert not Upload.objects.exists()


def test_a_code_is_checked_against_forgery():
    assert Client(enforce_csrf_checks=True).post("/code/", {"code": "amber road tulip moon"}).status_code == 403


@pytest.fixture
def counted(settings, monkeypatch):
    """Allow so many codes, and then none for a minute: `counted(address=2, site=5)`."""
    settings.REDIS_URL = ""
    settings.TRUST_PROXY = True
    monkeypatch.setattr(rates, "BURST_MINUTES", 1)
    monkeypatch.setattr(rates, "_own", rates._OwnBuckets())

    def allow(*, address: int, site: int) -> None:
        settings.RATES = settings.RATES | {"codes": (address, 0)}
        settings.SITE_RATES = {"codes": site}

    return allow


def guess(code: str, address: str) -> int:
    return typed(code, headers={"X-Forwarded-For": address}).status_code


def test_one_address_guesses_a_few_codes_only(owner, counted):
    """Case 84: the right code is not even looked at."""
    counted(address=3, site=0)
    code = owner.upload()["code"]
    assert [guess("amber road tulip moon", "192.0.2.1") for _ in range(3)] == [404] * 3
    assert guess(code, "192.0.2.1") == 429
    assert guess(code, "192.0.2.2") == 303


def test_many_addresses_guess_no_more_than_the_site_allows(owner, counted):
    """Case 84."""
    counted(address=3, site=5)
    code = owner.upload()["code"]
    statuses = [guess("amber road tulip moon", f"192.0.2.{number}") for number in range(20)]
    assert statuses == [404] * 5 + [429] * 15
    assert guess(code, "198.51.100.1") == 429
    assert Client().get("/code/").status_code == 200


def test_a_refusal_counts_nothing_for_the_others(counted):
    """Case 84: one address cannot use up what the site allows."""
    counted(address=2, site=3)
    assert [guess("amber road tulip moon", "192.0.2.1") for _ in range(50)].count(429) == 48
    assert guess("amber road tulip moon", "192.0.2.2") == 404
