"""What every storage promises: one suite for the folder and for S3."""

import random
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import unquote

import pytest

from mayfly.storage.protocol import Part, StorageError, TransferNotFound

from ..storages import FULL, MINUTE, new_key, stored

pytest_plugins = ["tests.app.storages"]
OCTETS = "application/octet-stream"


def begin(storage, key):
    return storage.open_transfer(key, content_type=OCTETS)


def send(world, storage, key, transfer_id, number, content):
    """As a client does it: ask for a URL, PUT to it."""
    signed = storage.sign_part(key, transfer_id, number, len(content), lifetime=MINUTE)
    assert (signed.number, signed.size, signed.headers) == (number, len(content), {})
    return world.put(signed.url, content)


def fetch(world, storage, key, *, name="a.txt", content_type=OCTETS):
    return world.get(storage.sign_download(key, name=name, content_type=content_type, lifetime=MINUTE))


def name_in(header):
    """The file name as a browser takes it from Content-Disposition: `filename*` before `filename`."""
    plain, exact = re.fullmatch(
        r"""attachment; filename="([^"\\]*)"(?:; filename\*=UTF-8''([\w.~%-]+))?""", header, re.ASCII
    ).groups()
    return unquote(exact) if exact else plain


def test_parts_sent_by_url_become_the_object(storage, key, world):
    first, last = random.randbytes(FULL), b"and the rest"
    transfer_id = begin(storage, key)
    answer = send(world, storage, key, transfer_id, 1, first)
    assert answer.status == 200
    assert answer.headers["ETag"].strip('"') == storage.parts(key, transfer_id)[1].etag.strip('"')
    assert send(world, storage, key, transfer_id, 2, last).status == 200
    assert storage.length(key) is None
    parts = storage.parts(key, transfer_id)
    assert {number: part.size for number, part in parts.items()} == {1: FULL, 2: len(last)}
    storage.complete_transfer(key, transfer_id, parts.values())
    assert storage.length(key) == FULL + len(last)
    assert fetch(world, storage, key).body == first + last


def test_parts_may_come_in_any_order_and_are_joined_by_number(storage, key, world):
    contents = {number: bytes([number]) * FULL for number in (1, 2)} | {3: b"end"}
    transfer_id = begin(storage, key)
    for number in (3, 1, 2):
        send(world, storage, key, transfer_id, number, contents[number])
    parts = storage.parts(key, transfer_id)
    storage.complete_transfer(key, transfer_id, [parts[number] for number in (2, 3, 1)])
    assert fetch(world, storage, key).body == contents[1] + contents[2] + contents[3]


def test_a_part_sent_twice_counts_once_and_as_it_was_sent_last(storage, key, world):
    transfer_id = begin(storage, key)
    send(world, storage, key, transfer_id, 1, b"first try")
    before = storage.parts(key, transfer_id)
    send(world, storage, key, transfer_id, 1, b"second")
    after = storage.parts(key, transfer_id)
    assert after[1].size == 6
    with pytest.raises(StorageError):  # what was listed is not what is there
        storage.complete_transfer(key, transfer_id, before.values())
    storage.complete_transfer(key, transfer_id, after.values())
    assert fetch(world, storage, key).body == b"second"


def test_a_part_written_from_here_is_listed_as_it_was_returned(storage, key):
    transfer_id = begin(storage, key)
    part = storage.write_part(key, transfer_id, 7, b"content")
    assert (part.number, part.size) == (7, 7)
    assert storage.parts(key, transfer_id) == {7: part}


def test_a_transfer_without_parts_lists_none(storage, key):
    assert storage.parts(key, begin(storage, key)) == {}


def test_more_than_a_thousand_parts_are_all_listed(storage, key):
    """Case 15."""
    transfer_id = begin(storage, key)
    numbers = [*range(1, 1004), 10_000]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: storage.write_part(key, transfer_id, number, b"%d" % number), numbers))
    parts = storage.parts(key, transfer_id)
    assert sorted(parts) == numbers
    assert parts[10_000].size == 5


@pytest.mark.parametrize("content", [b"1", b"one part only"])
def test_a_single_part_of_any_size_is_enough(storage, key, world, content):
    stored(storage, key, content)
    assert storage.length(key) == len(content)
    assert fetch(world, storage, key).body == content


def test_completing_twice_leaves_the_object_as_it_is(storage, key):
    transfer_id = begin(storage, key)
    parts = [storage.write_part(key, transfer_id, 1, b"content")]
    storage.complete_transfer(key, transfer_id, parts)
    with suppress(TransferNotFound):  # S3 may take the same call again for the first one's repetition
        storage.complete_transfer(key, transfer_id, parts)
    assert storage.first_bytes(key, 100) == b"content"
    with pytest.raises(TransferNotFound):
        storage.parts(key, transfer_id)


def test_completing_what_was_removed_brings_nothing_back(storage, key):
    transfer_id = begin(storage, key)
    parts = [storage.write_part(key, transfer_id, 1, b"content")]
    storage.complete_transfer(key, transfer_id, parts)
    storage.remove([key])
    with suppress(TransferNotFound):
        storage.complete_transfer(key, transfer_id, parts)
    assert storage.length(key) is None


def test_nothing_is_completed_with_a_part_that_never_came_and_the_transfer_stays_open(storage, key):
    transfer_id = begin(storage, key)
    part = storage.write_part(key, transfer_id, 1, b"content")
    for wrong in ([part, Part(2, 5, part.etag)], []):
        with pytest.raises(StorageError):
            storage.complete_transfer(key, transfer_id, wrong)
    assert storage.length(key) is None
    assert storage.parts(key, transfer_id) == {1: part}


@pytest.mark.parametrize("close", ["complete", "abort"])
def test_nothing_is_written_to_a_transfer_that_is_closed(storage, key, world, close):
    """Case 16."""
    transfer_id = begin(storage, key)
    part = storage.write_part(key, transfer_id, 1, b"content")
    kept = storage.sign_part(key, transfer_id, 1, 7, lifetime=MINUTE)
    if close == "complete":
        storage.complete_transfer(key, transfer_id, [part])
    else:
        storage.abort_transfers(key)
    assert world.put(kept.url, b"another").status == 404
    with pytest.raises(TransferNotFound):
        storage.write_part(key, transfer_id, 1, b"another")
    with pytest.raises(TransferNotFound):
        storage.parts(key, transfer_id)
    if close == "complete":
        assert storage.first_bytes(key, 100) == b"content"
    else:
        with pytest.raises(TransferNotFound):
            storage.complete_transfer(key, transfer_id, [part])
        assert storage.length(key) is None


def test_what_was_removed_is_not_made_again_by_a_url_kept_from_before(storage, key, world):
    """Case 17."""
    transfer_id = begin(storage, key)
    kept = storage.sign_part(key, transfer_id, 1, 7, lifetime=MINUTE)
    world.put(kept.url, b"content")
    storage.complete_transfer(key, transfer_id, storage.parts(key, transfer_id).values())
    storage.abort_transfers(key)
    assert storage.remove([key]) == {}
    assert world.put(kept.url, b"content").status == 404
    assert storage.length(key) is None


def test_aborting_where_nothing_is_open_is_no_error(storage, key):
    storage.abort_transfers(key)
    storage.abort_transfers(key)
    stored(storage, key, b"content")
    storage.abort_transfers(key)
    assert storage.length(key) == 7


@pytest.mark.parametrize("transfer_id", ["0" * 32, "../../objects", "no-such-transfer"])
def test_a_transfer_that_never_was_is_not_found(storage, key, transfer_id):
    with pytest.raises(TransferNotFound):
        storage.parts(key, transfer_id)
    with pytest.raises(TransferNotFound):
        storage.write_part(key, transfer_id, 1, b"content")
    with pytest.raises(TransferNotFound):
        storage.complete_transfer(key, transfer_id, [Part(1, 7, '"abc"')])


def test_a_transfer_is_not_found_under_another_key(strict_storage, key):
    transfer_id = begin(strict_storage, key)
    with pytest.raises(TransferNotFound):
        strict_storage.write_part(f"{key}-other", transfer_id, 1, b"content")
    with pytest.raises(TransferNotFound):
        strict_storage.parts(f"{key}-other", transfer_id)


def test_two_transfers_of_one_key_do_not_mix(storage, key):
    one, other = begin(storage, key), begin(storage, key)
    assert one != other
    storage.write_part(key, one, 1, b"one")
    part = storage.write_part(key, other, 1, b"other")
    storage.complete_transfer(key, other, [part])
    assert storage.first_bytes(key, 100) == b"other"
    assert storage.parts(key, one)[1].size == 3


def test_abort_closes_every_transfer_of_the_key(storage, key):
    transfers = [begin(storage, key) for _ in range(3)]
    storage.write_part(key, transfers[0], 1, b"content")
    storage.abort_transfers(key)
    for transfer_id in transfers:
        with pytest.raises(TransferNotFound):
            storage.parts(key, transfer_id)


def test_a_key_that_begins_like_another_is_left_alone(storage, key):
    longer = f"{key}c"
    transfer_id = begin(storage, longer)
    stored(storage, f"{key}d", b"content")
    storage.abort_transfers(key)
    storage.remove([key])
    assert storage.parts(longer, transfer_id) == {}
    assert storage.length(f"{key}d") == 7
    storage.abort_transfers(longer)
    storage.remove([f"{key}d"])


def test_a_key_can_be_used_again_after_all_of_it_is_gone(storage, key):
    stored(storage, key, b"content")
    storage.remove([key])
    stored(storage, key, b"again")
    assert storage.first_bytes(key, 100) == b"again"


def test_the_size_is_none_only_where_there_is_no_object(storage, key):
    assert storage.length(key) is None
    stored(storage, key, b"content")
    assert storage.length(key) == 7
    assert storage.length(key[:-1]) is None
    assert storage.length(f"{key}/below") is None


def test_the_first_bytes_are_as_many_as_there_are(storage, key):
    stored(storage, key, b"0123456789")
    assert storage.first_bytes(key, 4) == b"0123"
    assert storage.first_bytes(key, 10) == storage.first_bytes(key, 4096) == b"0123456789"


def test_an_object_is_read_piece_by_piece_and_no_further_than_asked(storage, key):
    content = random.randbytes(3 * 1024 * 1024 + 1)
    stored(storage, key, content)
    assert b"".join(storage.read(key)) == content
    pieces = storage.read(key)
    first = next(pieces)
    assert content.startswith(first)
    assert 0 < len(first) <= 1024 * 1024
    pieces.close()


def test_reading_nothing_is_an_error(storage, key):
    with pytest.raises(StorageError):
        next(storage.read(key))


def test_what_is_put_is_an_object_and_replaces_another(storage, key, world):
    storage.put(key, b"a preview", content_type="image/webp")
    assert storage.length(key) == 9
    storage.put(key, b"another", content_type="image/webp")
    assert b"".join(storage.read(key)) == b"another"
    assert [found.key for found in storage.objects(key)] == [key]
    assert list(storage.transfers(key)) == []


def test_a_preview_is_shown_in_a_page_as_webp_and_kept_by_no_cache(storage, key, world):
    storage.put(key, b"a preview", content_type="image/webp")
    answer = world.get(storage.sign_preview(key, lifetime=MINUTE))
    assert (answer.status, answer.body) == (200, b"a preview")
    assert answer.headers["Content-Disposition"] == "inline"
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_first_bytes_of_nothing_are_an_error(storage, key):
    with pytest.raises(StorageError):
        storage.first_bytes(key, 4)


def test_more_than_two_thousand_keys_go_at_once_and_absent_ones_count_as_removed(storage):
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


def test_removing_nothing_or_one_thing_twice_is_no_error(storage, key):
    stored(storage, key, b"content")
    assert storage.remove([]) == {}
    assert storage.remove([key, key]) == {}


def test_removing_an_object_leaves_an_open_transfer_to_abort(storage, key):
    stored(storage, key, b"content")
    transfer_id = begin(storage, key)
    storage.remove([key])
    assert storage.parts(key, transfer_id) == {}


def test_a_download_is_an_attachment_of_the_given_type_that_no_cache_keeps(storage, key, world):
    stored(storage, key, b"<script>alert(1)</script>")
    answer = fetch(world, storage, key, name="page.html", content_type="text/html")
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
def test_a_name_comes_down_as_it_went_up(storage, key, world, name):
    stored(storage, key, b"content")
    answer = fetch(world, storage, key, name=name)
    assert answer.status == 200
    assert name_in(answer.headers["Content-Disposition"]) == name
    assert answer.headers["Content-Disposition"].isascii()


def test_a_name_with_line_breaks_adds_no_header(storage, key, world):
    stored(storage, key, b"content")
    answer = fetch(world, storage, key, name="a\r\nSet-Cookie: a=b\x00\x7f.txt")
    assert name_in(answer.headers["Content-Disposition"]) == "a__Set-Cookie: a=b__.txt"
    assert "Set-Cookie" not in answer.headers


def test_a_download_of_what_is_gone_is_not_found(strict_storage, key, world):
    assert fetch(world, strict_storage, key).status == 404


def test_preparing_again_changes_nothing(storage):
    assert storage.prepare() == []


def test_a_prepared_storage_gives_a_sign_of_life(storage):
    storage.check()
