"""The first bytes of a file prove its type, for its icon and its preview."""

import pytest

from mayfly.uploads.content import FIRST_BYTES, is_previewed, proven_type
from mayfly.uploads.limits import PDF_PREVIEW
from mayfly.uploads.models import Upload

from ...support.documents import pdf
from ...support.pictures import every_sort
from ...support.samples import PNG

SORTS = every_sort()
BYTES = {
    "application/pdf": pdf(),
    "application/zip": b"PK\x03\x04" + bytes(60),
    "application/gzip": b"\x1f\x8b\x08" + bytes(60),
    "image/heic": b"\x00\x00\x00\x18ftypheic" + bytes(12),
    "video/mp4": b"\x00\x00\x00\x18ftypisom" + bytes(12),
    "audio/mp4": b"\x00\x00\x00\x18ftypM4A " + bytes(12),
    "video/webm": b"\x1a\x45\xdf\xa3" + bytes(60),
    "audio/mpeg": b"ID3\x04" + bytes(60),
    "audio/wav": b"RIFF\x24\x00\x00\x00WAVEfmt ",
    "video/vnd.avi": b"RIFF\x24\x00\x00\x00AVI LIST",
    "application/x-msdownload": b"MZ\x90\x00" + bytes(60),
    "application/x-elf": b"\x7fELF\x02\x01" + bytes(60),
}
TEXTS = (
    b"hello",
    b"<svg xmlns='http://www.w3.org/2000/svg'>",
    b"a,b\r\n1,2\r\n",
    b"\ttab",
    "写真".encode() * 40,
    b"\xef\xbb\xbfx",
)
UNKNOWN = (b"\x00\x01", b"caf\xe9 ole", b"\x1b[2J", b"%PD\xff", b"\x7f\x00")


@pytest.mark.parametrize("sort", SORTS)
def test_the_first_bytes_prove_an_image_in_a_file(sort):
    content_type, content = SORTS[sort]
    assert proven_type(content[:FIRST_BYTES]) == content_type


@pytest.mark.parametrize("content_type", BYTES)
def test_the_first_bytes_prove_the_type_of_a_file(content_type):
    assert proven_type(BYTES[content_type][:FIRST_BYTES]) == content_type
    assert len(content_type) <= Upload._meta.get_field("proven_type").max_length


@pytest.mark.parametrize("first", TEXTS, ids=repr)
def test_utf_8_without_control_characters_may_be_a_text(first):
    assert proven_type(first[:FIRST_BYTES]) == "text/plain"


@pytest.mark.parametrize("first", UNKNOWN, ids=repr)
def test_other_bytes_prove_nothing(first):
    assert proven_type(first) == ""


@pytest.mark.parametrize(
    ("content_type", "size", "shown"),
    [
        ("text/plain", 4_000_000_000, True),
        ("application/pdf", PDF_PREVIEW, True),
        ("application/pdf", PDF_PREVIEW + 1, False),
        ("image/jpeg", 64_000_000, True),
        ("image/jpeg", 64_000_001, False),
        ("image/heic", 1000, False),
        ("video/mp4", 1000, False),
        ("", 1000, False),
    ],
)
def test_a_preview_is_tried_of_a_fit_type_and_size(content_type, size, shown):
    """Case 81."""
    assert is_previewed(content_type, size) == shown


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("content", "proven"), [(PNG, "image/png"), (pdf(), "application/pdf"), (b"hi", "text/plain")])
def test_a_file_stays_a_file_whatever_its_bytes_prove(owner, content, proven):
    told = owner.upload(content)
    upload = Upload.objects.get(pk=told["id"])
    assert (upload.kind, upload.content_type, upload.proven_type) == ("file", "application/octet-stream", proven)
    assert (told["kind"], told["type"]) == ("file", "application/octet-stream")
