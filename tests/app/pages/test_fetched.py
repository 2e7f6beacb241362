"""Told to the sender: how often an upload was fetched, and when last. Programs that only look do not count."""

from threading import Event

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from mayfly.pages.fetches import PREVIEWERS
from mayfly.storage.protocol import StorageError
from mayfly.uploads.models import Upload

from ...support.broken import storage_class
from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)
# Agents as they name themselves, in the logs of any web server.
AGENTS = (
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1"
    " Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    "WhatsApp/2.23.20.0",
    "TelegramBot (like TwitterBot)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Jakarta Commons-HttpClient/3.1 +http://www.linkedin.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
)
PEOPLE = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "curl/8.14.1",
)


def fetch(upload, client: Client | None = None, method: str = "get", **headers: str):
    return getattr(client or Client(), method)(f"/u/{upload['id']}/download", headers=headers)


def count(upload) -> int:
    return Upload.objects.get(pk=upload["id"]).fetched_count


@pytest.mark.parametrize("agent", PEOPLE)
def test_a_download_is_counted_with_its_time(owner, agent):
    upload = owner.upload()
    assert upload["fetched"] == {"count": 0, "last_at": None}
    assert fetch(upload, **{"User-Agent": agent}).status_code == 302
    told = owner.get(f"/api/uploads/{upload['id']}").json()["fetched"]
    row = Upload.objects.get(pk=upload["id"])
    assert told["count"] == 1
    assert row.created_at < row.fetched_at < row.expires_at
    assert told["last_at"].startswith(f"{row.fetched_at:%Y-%m-%dT%H:%M:%S}")


def test_the_owner_sees_the_count_and_a_recipient_does_not(owner):
    upload = owner.upload()
    share = f"/u/{upload['id']}/"
    assert "Fetched" not in page(owner.browser.get(share)) + page(owner.browser.get("/files/"))
    fetch(upload)
    for path in (share, "/files/"):
        assert "Fetched once, " in page(owner.browser.get(path))
    fetch(upload)
    for path in (share, "/files/"):
        assert "Fetched 2 times, last " in page(owner.browser.get(path))
    assert "Fetched" not in page(Client().get(share))


@pytest.mark.parametrize("agent", AGENTS)
def test_a_program_that_shows_a_link_preview_does_not_count(owner, agent):
    """Case 83."""
    upload = owner.upload()
    assert fetch(upload, **{"User-Agent": agent}).status_code == 302
    assert count(upload) == 0


def test_every_program_of_the_list_is_known_by_a_word_in_small_letters():
    assert all(name == name.lower() for name in PREVIEWERS)
    assert list(PREVIEWERS) == sorted(set(PREVIEWERS))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
        {"Range": "bytes=1048576-"},
        {"Range": "bytes=-500"},
    ],
)
def test_a_prefetch_and_the_rest_of_a_download_do_not_count(owner, headers):
    """Case 83."""
    upload = owner.upload()
    assert fetch(upload, **headers).status_code == 302
    assert count(upload) == 0


@pytest.mark.parametrize("wanted", ["bytes=0-", "bytes=0-1023"])
def test_the_first_range_of_a_download_counts(owner, wanted):
    upload = owner.upload()
    fetch(upload, Range=wanted)
    assert count(upload) == 1


def test_a_head_and_the_owner_s_own_downloads_do_not_count(owner):
    """Case 83."""
    upload = owner.upload()
    assert fetch(upload, method="head").status_code == 200
    assert fetch(upload, owner.browser).status_code == 302
    assert fetch(upload, **owner.headers).status_code == 302
    assert count(upload) == 0
    fetch(upload, Authorization="Bearer not-ours")
    assert count(upload) == 1


def test_a_look_at_the_page_is_no_fetch(owner):
    upload = owner.upload()
    for path in ("", "preview", "qr.svg"):
        Client().get(f"/u/{upload['id']}/{path}")
    assert count(upload) == 0


def test_what_gave_no_bytes_is_not_counted(owner, monkeypatch):
    upload = owner.upload()

    def down(*_, **__):
        raise StorageError("time-out")

    with monkeypatch.context() as patch:
        patch.setattr(storage_class(), "length", down)
        assert fetch(upload).status_code == 503
    owner.delete(f"/api/uploads/{upload['id']}")
    assert fetch(upload).status_code == 410
    assert count(upload) == 0


def test_a_download_goes_on_if_it_cannot_be_counted(owner):
    """Case 83."""
    upload = owner.upload()

    def refuse(execute, sql, *rest):
        if sql.startswith("UPDATE") and "fetched_count" in sql:
            raise OperationalError("no room left on the device")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        assert fetch(upload).status_code == 302
    assert count(upload) == 0


def test_a_download_does_not_wait_for_a_locked_row(owner, beside):
    """Case 83. SQLite locks no row, but all of them for the length of a statement."""
    upload = owner.upload()
    locked, done = Event(), Event()
    locks_rows = connection.vendor == "postgresql"

    def hold():
        with transaction.atomic():
            Upload.objects.select_for_update().get(pk=upload["id"])
            locked.set()
            assert done.wait(30)

    if locks_rows:
        holding = beside(hold)
        assert locked.wait(30)
    answer = fetch(upload)
    if locks_rows:
        done.set()
        holding.result(30)
    assert answer.status_code == 302
    assert count(upload) == (0 if locks_rows else 1)


def test_one_statement_counts_a_fetch(owner):
    """Case 83."""
    upload = owner.upload()
    written = []

    def note(execute, sql, *rest):
        written.append(sql.split()[0])
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        fetch(upload)
    assert written.count("UPDATE") == 1
    assert count(upload) == 1
