"""The bytes of uploads: scripts, false types, and images made to do harm."""

import time

import pytest
import pyvips
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.previews.tasks import waiting_previews
from mayfly.uploads.choices import Kind
from mayfly.uploads.content import content_type_of
from mayfly.uploads.models import Upload

from ...support import pictures
from ...support.people import body_of, fetch
from ...support.samples import PNG, SVG
from ...support.senders import by_api, by_curl, by_form, downloaded

pytestmark = pytest.mark.django_db

# A browser would run or show these, if our origin sent them with their own types.
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
def test_active_content_is_saved_and_never_shown(owner, sent, declared):
    """Cases 1, 2: by every way of sending, with any declared type."""
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
def test_a_script_inside_an_image_is_served_as_an_image_to_save(owner, content_type):
    """Case 3: also if its sender keeps in it what no picture needs."""
    owner.upload(POLYGLOTS[content_type], kind="image", name="a.html", type="text/html", metadata="keep")
    answer = downloaded(Upload.objects.get().pk)
    assert_saved_and_never_run(answer, content_type)
    assert body_of(answer) == POLYGLOTS[content_type]


def preview_of(owner, content: bytes, *, kind: str = "image") -> bytes | None:
    """The preview that the worker makes of an image, or None if it refuses the image."""
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
def test_a_preview_contains_no_script_of_its_image(owner, content_type):
    """Case 3: an image is either refused, or decoded and encoded again without the script."""
    preview = preview_of(owner, POLYGLOTS[content_type])
    assert (preview is not None) is (content_type == "image/png")
    assert b"script" not in (preview or b"")


TIFF = pictures.gradient(9, 9).tiffsave_buffer()


@pytest.mark.parametrize("signature", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\x00\x00\x00\x00WEBPVP"])
@pytest.mark.parametrize("content", [SVG, TIFF, b"%PDF-1.7\n", bytes(99)], ids=["svg", "tiff", "pdf", "zeros"])
def test_false_first_bytes_make_no_image(owner, signature, content):
    """Case 3: they select the decoder, and the decoder checks the rest."""
    assert preview_of(owner, signature + content) is None


def camera() -> dict[str, bytes]:
    """Photographs of a phone by type, with their place, time, device and author."""
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
def test_a_preview_contains_no_metadata_of_its_image(owner, content_type):
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
    assert pictures.opened(preview).height == 640  # turned, although the orientation is no longer in its metadata


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
    assert preview is None or what == "a JPEG that is refined for ever"  # its decoder stops at the first end
    assert pictures.measured(content, content_type_of(Kind.IMAGE, content)).megabytes < 300


@pytest.mark.parametrize("declared", ["image/svg+xml", "text/html", "application/pdf"])
def test_a_declared_image_type_makes_no_image(owner, declared):
    """Case 3."""
    upload = owner.begin(RUNS[declared], kind="image", name="cat.png", type="image/png")
    owner.send_parts(upload, RUNS[declared])
    assert owner.post(f"/api/uploads/{upload['id']}/complete").status_code == 422
    assert storage.length(f"uploads/{upload['id']}") is None
