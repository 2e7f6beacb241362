"""A page shows what an upload is before it is fetched: by an icon and a word, its first page or its first lines."""

from threading import Event

import pytest
from django.test import Client

from mayfly.previews import tasks
from mayfly.uploads import opening
from mayfly.uploads.models import Upload

from ...support.broken import down, storage_class
from ...support.documents import pdf
from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = b"<script>alert(1)</script>\n</pre><img src=x onerror=alert(1)>\n{{ 7 * 7 }}"


def share(owner, content: bytes, name: str = "a.bin") -> str:
    """The share page of a file with this content, as a recipient sees it once the previews are made."""
    upload = owner.upload(content, name=name)
    tasks.waiting_previews()
    return page(Client().get(f"/u/{upload['id']}/"))


@pytest.mark.parametrize(
    ("content", "name", "word"),
    [
        (b"\x00\x00\x00\x18ftypisom" + bytes(12), "film.mp4", "Video"),
        (b"ID3" + bytes(30), "song.mp3", "Audio"),
        (b"PK\x03\x04" + bytes(30), "photos.zip", "Archive"),
        (b"PK\x03\x04" + bytes(30), "Letter.DOCX", "Document"),
        (b"MZ" + bytes(30), "photo.jpg", "Program"),
        (b"\x00\x01", "photo.jpg", "File"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(12), "photo.heic", "Image"),
    ],
)
def test_an_icon_and_a_word_say_what_a_file_is_whatever_its_name(owner, content, name, word):
    text = share(owner, content, name)
    assert f"</svg> {word}<span" in text
    assert '<div class="what"><svg class="icon"' in text
    assert f'data-bytes="{len(content)}"' in text


def test_a_pdf_shows_its_first_page(owner):
    text = share(owner, pdf(), "the plan.pdf")
    assert 'alt="First page of the plan.pdf"' in text
    assert '<div class="what">' not in text
    assert "</svg> PDF<span" in text


def test_a_text_shows_its_first_lines_as_text(owner):
    """Case 82: no markup of a text is markup on its page."""
    text = share(owner, HOSTILE)
    assert (
        "&lt;script&gt;alert(1)&lt;/script&gt;\n&lt;/pre&gt;&lt;img src=x onerror=alert(1)&gt;\n{{ 7 * 7 }}</pre>"
        in text
    )
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert '<div class="what">' not in text


@pytest.mark.parametrize("content", [pdf(), b"%PDF-", b"\x00\x01"], ids=["pdf", "broken", "unknown"])
def test_a_page_shows_an_icon_and_asks_again_only_for_a_preview_on_its_way(owner, content):
    upload = owner.upload(content)
    early = page(Client().get(f"/u/{upload['id']}/"))
    assert '<div class="what"><svg' in early
    assert ("every 2s" in early) == content.startswith(b"%PDF-")
    tasks.waiting_previews()
    assert "every 2s" not in page(Client().get(f"/u/{upload['id']}/"))


def test_a_page_does_not_wait_for_lines_that_do_not_come(owner, monkeypatch):
    """Case 82."""
    upload = Upload.objects.get(pk=owner.upload(b"hello")["id"])
    tasks.waiting_previews()
    monkeypatch.setattr(opening, "LINES_SECONDS", 0.05)
    asked, answer = [], Event()

    def hang(storage, key, count):
        asked.append(key)
        assert answer.wait(30)
        return b""

    with monkeypatch.context() as patch:
        patch.setattr(storage_class(), "first_bytes", hang)
        for _ in range(3):
            response = Client().get(f"/u/{upload.pk}/")
            assert response.status_code == 200
            assert '<div class="what">' in page(response)
            monkeypatch.setattr(opening, "LINES_SECONDS", 60)  # no later page waits for the one that hangs
        answer.set()
        opening._reader().submit(int).result(30)
    assert asked == [upload.preview_key]
    assert '<pre class="lines"' in page(Client().get(f"/u/{upload.pk}/"))


def test_a_page_goes_without_its_lines_while_storage_is_away(owner, monkeypatch):
    upload = Upload.objects.get(pk=owner.upload(b"hello")["id"])
    tasks.waiting_previews()
    with monkeypatch.context() as patch:
        patch.setattr(storage_class(), "first_bytes", down)
        assert '<div class="what">' in page(Client().get(f"/u/{upload.pk}/"))
