"""Every storage's promises about objects: size, bytes, downloads, removal."""

import random
import re
from urllib.parse import unquote

import pytest

from mayfly.storage.protocol import Beginning, StorageError
from mayfly.storage.s3.bucket import LACKING

from ...support.storages import MINUTE, new_key, open_transfer, stored

pytest_plugins = ["tests.support.storages"]


def name_in(header):
    """The file name as a browser takes it from Content-Disposition: `filename*` before `filename`."""
    plain, exact = re.fullmatch(
        r"""attachment; filename="([^"\\]*)"(?:; filename\*=UTF-8''([\w.~%-]+))?""", header, re.ASCII
    ).groups()
    return unquote(exact) if exact else plain


def test_the_length_is_none_only_if_there_is_no_object(storage, key):
    assert storage.length(key) is None
    stored(storage, key, b"content")
    assert storage.length(key) == 7
    assert storage.length(key[:-1]) is None
    assert storage.length(f"{key}/below") is None


def test_first_bytes_returns_at_most_what_there_is(storage, key):
    stored(storage, key, b"0123456789")
    assert storage.first_bytes(key, 4) == b"0123"
    assert storage.first_bytes(key, 10) == storage.first_bytes(key, 4096) == b"0123456789"


def test_a_beginning_has_the_first_bytes_and_the_size_of_all(storage, key):
    assert storage.beginning(key, 4) is None
    content = random.randbytes(300_000)
    stored(storage, key, content)
    for count in (1, 65_536, 300_000, 300_001):
        assert storage.beginning(key, count) == Beginning(content[:count], 300_000)


def test_an_object_is_read_in_pieces_and_no_further_than_asked(storage, key):
    content = random.randbytes(3 * 1024 * 1024 + 1)
    stored(storage, key, content)
    assert b"".join(storage.read(key)) == content
    pieces = storage.read(key)
    first = next(pieces)
    assert content.startswith(first)
    assert 0 < len(first) <= 1024 * 1024
    pieces.close()


def test_reading_an_absent_object_is_an_error(storage, key):
    with pytest.raises(StorageError):
        next(storage.read(key))


def test_a_range_of_an_object_is_given_exactly_or_not_at_all(storage, key):
    content = random.randbytes(300_000)
    stored(storage, key, content)
    assert storage.bytes_at(key, 0, len(content)) == content
    assert storage.bytes_at(key, 1000, 70_000) == content[1000:71_000]
    for start, count in [(299_999, 2), (300_000, 1), (400_000, 10)]:
        with pytest.raises(StorageError):
            storage.bytes_at(key, start, count)
    with pytest.raises(StorageError):
        storage.bytes_at(new_key(), 0, 1)


def test_put_stores_an_object_and_replaces_another(storage, key, world):
    storage.put(key, b"a preview", content_type="image/webp")
    assert storage.length(key) == 9
    storage.put(key, b"another", content_type="image/webp")
    assert b"".join(storage.read(key)) == b"another"
    assert [found.key for found in storage.objects(key)] == [key]
    assert list(storage.transfers(key)) == []


def test_a_preview_is_served_inline_as_webp_and_not_cached(storage, key, world):
    storage.put(key, b"a preview", content_type="image/webp")
    answer = world.get(storage.sign_preview(key, lifetime=MINUTE))
    assert (answer.status, answer.body) == (200, b"a preview")
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_first_bytes_of_an_absent_object_are_an_error(storage, key):
    with pytest.raises(StorageError):
        storage.first_bytes(key, 4)


def test_one_removal_takes_2001_keys_and_counts_absent_ones_as_removed(storage):
    """Case 53."""
    present = [new_key() for _ in range(20)]
    for present_key in present:
        stored(storage, present_key, b"content")
    absent = [new_key() for _ in range(1981)]
    keys = [*present[:10], *absent, *present[10:]]
    assert len(keys) == 2001
    assert storage.remove(keys) == {}
    assert [storage.length(present_key) for present_key in present] == [None] * 20
    assert storage.remove(keys[:5]) == {}


def test_removing_no_key_or_one_key_twice_is_no_error(storage, key):
    stored(storage, key, b"content")
    assert storage.remove([]) == {}
    assert storage.remove([key, key]) == {}


def test_removing_an_object_leaves_its_open_transfers(storage, key):
    stored(storage, key, b"content")
    transfer_id = open_transfer(storage, key)
    storage.remove([key])
    assert storage.parts(key, transfer_id) == {}


def test_a_download_is_an_uncached_attachment_of_the_given_type(storage, key, world):
    stored(storage, key, b"<script>alert(1)</script>")
    answer = world.fetch(storage, key, name="page.html", content_type="text/html")
    assert answer.status == 200
    assert answer.body == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="page.html"'
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == "25"


@pytest.mark.parametrize(
    "name",
    [
        "plain name, with (some) signs & more.txt",
        'quotes "and" \\backslashes\\.txt',
        "semicolon; filename=evil.exe",
        "100%25 percent.txt",
        "łódź, 猫, кот.jpg",
        "cafe\u0301 in NFD.txt",
        "\u202egpj.exe",
        "👩‍👩‍👧‍👦.png",
        "'; filename*=UTF-8''evil",
        "👩" * 255,
        "../../etc/passwd",
    ],
    ids=range(11),
)
def test_a_download_keeps_the_name(storage, key, world, name):
    stored(storage, key, b"content")
    answer = world.fetch(storage, key, name=name)
    assert answer.status == 200
    assert name_in(answer.headers["Content-Disposition"]) == name
    assert answer.headers["Content-Disposition"].isascii()


def test_a_name_with_line_breaks_adds_no_header(storage, key, world):
    stored(storage, key, b"content")
    answer = world.fetch(storage, key, name="a\r\nSet-Cookie: a=b\x00\x7f.txt")
    assert name_in(answer.headers["Content-Disposition"]) == "a__Set-Cookie: a=b__.txt"
    assert "Set-Cookie" not in answer.headers


def test_a_download_of_a_removed_object_is_not_found(strict_storage, key, world):
    assert world.fetch(strict_storage, key).status == 404


def test_preparing_again_changes_nothing(storage):
    assert [sentence for sentence in storage.prepare() if not sentence.startswith(LACKING)] == []


def test_a_prepared_storage_passes_its_check(storage):
    storage.check()
