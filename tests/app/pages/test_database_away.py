"""While the database is away, every address says so, and clients come again."""

from contextlib import contextmanager

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload

from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = "The database does not answer"


@contextmanager
def away(error: Exception):
    """Let every query fail, as after the loss of the connection."""

    def fail(*_, **__):
        raise error

    with connection.execute_wrapper(fail):
        yield


@pytest.fixture(params=[OperationalError, InterfaceError])
def error(request) -> Exception:
    return request.param("could not connect to server: secret-host")


def assert_is_told(response) -> None:
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "no-store" in response["Cache-Control"]
    assert WORDS in page(response)
    assert "secret-host" not in page(response)


def test_pages_answer_503_in_words(owner, error):
    pk, browser = owner.upload()["id"], owner.browser
    with away(error):
        for path in ("/images/", "/files/", f"/u/{pk}/", f"/u/{pk}/download", f"/u/{pk}/preview", f"/u/{pk}/qr.svg"):
            assert_is_told(browser.get(path))
        for path in ("/files/clear/", f"/u/{pk}/delete"):
            assert_is_told(browser.post(path))
    assert browser.get(f"/u/{pk}/").status_code == 200


def test_forms_and_curl_answer_503_and_leave_nothing(owner, error):
    with away(error):
        assert_is_told(owner.browser.post("/files/", {"file": SimpleUploadedFile("a.txt", b"x")}))
        line = Client().put("/a.txt", b"hello", headers={"X-Box-Token": owner.headers["Authorization"].split()[1]})
    assert (line.status_code, line["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert page(line) == f"{WORDS}. Try again in a few seconds.\n"
    assert not Upload.objects.exclude(state=State.GONE).exists()


@pytest.mark.parametrize("debug", [False, True])
def test_the_api_answers_503_as_json(owner, error, settings, debug):
    settings.DEBUG = debug
    upload = owner.begin()
    with away(error):
        answers = [
            owner.get("/api/uploads"),
            owner.get(f"/api/uploads/{upload['id']}"),
            owner.post("/api/uploads", {"kind": "file", "name": "a", "size": 1}),
            owner.post(f"/api/uploads/{upload['id']}/complete"),
            owner.delete(f"/api/uploads/{upload['id']}"),
        ]
    for answer in answers:
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer.json() == {"error": {"code": "database", "message": f"{WORDS}. Try again in a few seconds."}}


def test_the_words_are_in_the_visitors_language(owner):
    with away(OperationalError("gone")):
        assert "La base de datos no responde" in page(owner.browser.get("/files/", headers={"Accept-Language": "es"}))


def test_the_alive_page_needs_no_database():
    with away(OperationalError("gone")):
        assert Client().get("/health/live").status_code == 200


def test_a_page_loads_itself_again_and_a_form_does_not(owner):
    with away(OperationalError("away")):
        shown = page(owner.browser.get("/files/?after=x"))
        sent = page(owner.browser.post("/files/clear/"))
    assert 'data-again="5"' in shown
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in shown
    assert '<a class="button" href="/files/?after=x">Try again now</a>' in shown
    assert "data-again" not in sent
    assert "refresh" not in sent
