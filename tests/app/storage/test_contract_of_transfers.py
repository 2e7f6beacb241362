"""Every storage's promises about transfers: parts, completion, abort."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from mayfly.storage.protocol import Beginning, Part, PartsRefused, StorageError, TransferNotFound

from ...support.storages import FULL, MINUTE, open_transfer, stored

pytest_plugins = ["tests.support.storages"]


def test_parts_sent_by_url_become_the_object(storage, key, world):
    first, last = random.randbytes(FULL), b"and the rest"
    transfer_id = open_transfer(storage, key)
    answer = world.send(storage, key, transfer_id, 1, first)
    assert answer.status == 200
    assert answer.headers["ETag"].strip('"') == storage.parts(key, transfer_id)[1].etag.strip('"')
    assert world.send(storage, key, transfer_id, 2, last).status == 200
    assert storage.length(key) is None
    parts = storage.parts(key, transfer_id)
    assert {number: part.size for number, part in parts.items()} == {1: FULL, 2: len(last)}
    storage.complete_transfer(key, transfer_id, parts.values())
    assert storage.length(key) == FULL + len(last)
    assert world.fetch(storage, key).body == first + last


def test_parts_arrive_in_any_order_and_are_joined_by_number(storage, key, world):
    contents = {number: bytes([number]) * FULL for number in (1, 2)} | {3: b"end"}
    transfer_id = open_transfer(storage, key)
    for number in (3, 1, 2):
        world.send(storage, key, transfer_id, number, contents[number])
    parts = storage.parts(key, transfer_id)
    storage.complete_transfer(key, transfer_id, [parts[number] for number in (2, 3, 1)])
    assert world.fetch(storage, key).body == contents[1] + contents[2] + contents[3]


def test_a_part_sent_twice_counts_once_with_its_last_content(storage, key, world):
    transfer_id = open_transfer(storage, key)
    world.send(storage, key, transfer_id, 1, b"first try")
    before = storage.parts(key, transfer_id)
    world.send(storage, key, transfer_id, 1, b"second")
    after = storage.parts(key, transfer_id)
    assert after[1].size == 6
    with pytest.raises(StorageError):  # the list is older than the part
        storage.complete_transfer(key, transfer_id, before.values())
    storage.complete_transfer(key, transfer_id, after.values())
    assert world.fetch(storage, key).body == b"second"


def test_a_part_written_by_us_is_listed_as_returned(storage, key):
    transfer_id = open_transfer(storage, key)
    part = storage.write_part(key, transfer_id, 7, b"content")
    assert (part.number, part.size) == (7, 7)
    assert storage.parts(key, transfer_id) == {7: part}


def test_a_transfer_without_parts_lists_none(storage, key):
    assert storage.parts(key, open_transfer(storage, key)) == {}


@pytest.mark.slow
def test_more_than_a_thousand_parts_are_all_listed(storage, key):
    """Case 15."""
    transfer_id = open_transfer(storage, key)
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
    assert world.fetch(storage, key).body == content


@pytest.mark.parametrize("quoted", [True, False])
def test_a_transfer_is_completed_by_what_storage_answered_to_its_part(storage, key, world, quoted):
    transfer_id = open_transfer(storage, key)
    etag = world.send(storage, key, transfer_id, 1, b"content").headers["ETag"].strip('"')
    storage.complete_transfer(key, transfer_id, [Part(1, 7, f'"{etag}"' if quoted else etag)])
    assert storage.beginning(key, 100) == Beginning(b"content", 7)


@pytest.mark.parametrize("etag", ["5d41402abc4b2a76b9719d911017c592", "<>&'é"])
def test_a_tag_of_another_content_leaves_the_transfer_open(storage, key, etag):
    transfer_id = open_transfer(storage, key)
    part = storage.write_part(key, transfer_id, 1, b"content")
    with pytest.raises(PartsRefused):
        storage.complete_transfer(key, transfer_id, [Part(1, 7, etag)])
    assert storage.length(key) is None
    assert storage.parts(key, transfer_id) == {1: part}


def test_completing_twice_leaves_the_object_unchanged(storage, key):
    transfer_id = open_transfer(storage, key)
    parts = [storage.write_part(key, transfer_id, 1, b"content")]
    storage.complete_transfer(key, transfer_id, parts)
    with suppress(TransferNotFound):  # S3 may accept the call as a repetition of the first one
        storage.complete_transfer(key, transfer_id, parts)
    assert storage.first_bytes(key, 100) == b"content"
    with pytest.raises(TransferNotFound):
        storage.parts(key, transfer_id)


def test_completing_after_the_removal_restores_nothing(storage, key):
    transfer_id = open_transfer(storage, key)
    parts = [storage.write_part(key, transfer_id, 1, b"content")]
    storage.complete_transfer(key, transfer_id, parts)
    storage.remove([key])
    with suppress(TransferNotFound):
        storage.complete_transfer(key, transfer_id, parts)
    assert storage.length(key) is None


def test_a_completion_with_a_missing_part_leaves_the_transfer_open(storage, key):
    transfer_id = open_transfer(storage, key)
    part = storage.write_part(key, transfer_id, 1, b"content")
    for wrong in ([part, Part(2, 5, part.etag)], []):
        with pytest.raises(PartsRefused):
            storage.complete_transfer(key, transfer_id, wrong)
    assert storage.length(key) is None
    assert storage.parts(key, transfer_id) == {1: part}


@pytest.mark.parametrize("close", ["complete", "abort"])
def test_a_closed_transfer_accepts_no_part(storage, key, world, close):
    """Case 16."""
    transfer_id = open_transfer(storage, key)
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


def test_an_old_part_url_restores_no_removed_object(storage, key, world):
    """Case 17."""
    transfer_id = open_transfer(storage, key)
    kept = storage.sign_part(key, transfer_id, 1, 7, lifetime=MINUTE)
    world.put(kept.url, b"content")
    storage.complete_transfer(key, transfer_id, storage.parts(key, transfer_id).values())
    storage.abort_transfers(key)
    assert storage.remove([key]) == {}
    assert world.put(kept.url, b"content").status == 404
    assert storage.length(key) is None


def test_an_abort_without_open_transfers_is_no_error(storage, key):
    storage.abort_transfers(key)
    storage.abort_transfers(key)
    stored(storage, key, b"content")
    storage.abort_transfers(key)
    assert storage.length(key) == 7


@pytest.mark.parametrize("transfer_id", ["0" * 32, "../../objects", "no-such-transfer"])
def test_an_unknown_transfer_is_not_found(storage, key, transfer_id):
    with pytest.raises(TransferNotFound):
        storage.parts(key, transfer_id)
    with pytest.raises(TransferNotFound):
        storage.write_part(key, transfer_id, 1, b"content")
    with pytest.raises(TransferNotFound):
        storage.complete_transfer(key, transfer_id, [Part(1, 7, '"abc"')])


def test_a_transfer_is_not_found_under_another_key(strict_storage, key):
    transfer_id = open_transfer(strict_storage, key)
    with pytest.raises(TransferNotFound):
        strict_storage.write_part(f"{key}-other", transfer_id, 1, b"content")
    with pytest.raises(TransferNotFound):
        strict_storage.parts(f"{key}-other", transfer_id)


def test_two_transfers_of_one_key_do_not_mix(storage, key):
    one, other = open_transfer(storage, key), open_transfer(storage, key)
    assert one != other
    storage.write_part(key, one, 1, b"one")
    part = storage.write_part(key, other, 1, b"other")
    storage.complete_transfer(key, other, [part])
    assert storage.first_bytes(key, 100) == b"other"
    assert storage.parts(key, one)[1].size == 3


def test_abort_closes_every_transfer_of_the_key(storage, key):
    transfers = [open_transfer(storage, key) for _ in range(3)]
    storage.write_part(key, transfers[0], 1, b"content")
    storage.abort_transfers(key)
    for transfer_id in transfers:
        with pytest.raises(TransferNotFound):
            storage.parts(key, transfer_id)


def test_a_key_with_the_same_beginning_is_left_alone(storage, key):
    longer = f"{key}c"
    transfer_id = open_transfer(storage, longer)
    stored(storage, f"{key}d", b"content")
    storage.abort_transfers(key)
    storage.remove([key])
    assert storage.parts(longer, transfer_id) == {}
    assert storage.length(f"{key}d") == 7
    storage.abort_transfers(longer)
    storage.remove([f"{key}d"])


def test_a_key_can_be_used_again_after_its_removal(storage, key):
    stored(storage, key, b"content")
    storage.remove([key])
    stored(storage, key, b"again")
    assert storage.first_bytes(key, 100) == b"again"
