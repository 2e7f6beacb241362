"""Both storages join any parts, sent in any order, to the exact file."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import TransferNotFound

from ...support.fuzzing import BOUNDED
from ...support.storages import FULL, new_key

pytest_plugins = ["tests.support.storages"]
pytestmark = pytest.mark.fuzz


@st.composite
def transfers(draw, least: int) -> tuple[dict[int, bytes], list[tuple[int, bytes]]]:
    """The parts of a file by number, and all that is sent: some wrong parts, then each right one in some order."""
    numbers = sorted(draw(st.sets(st.integers(1, 10_000), min_size=1, max_size=3)))
    sizes = [least + draw(st.integers(1, 40)) for _ in numbers[:-1]] + [draw(st.integers(1, 40))]
    parts = {number: bytes([number % 256]) * size for number, size in zip(numbers, sizes, strict=True)}
    sent = [
        (number, b"!" * draw(st.integers(0, 40))) for number in draw(st.lists(st.sampled_from(numbers), max_size=3))
    ]
    return parts, sent + [(number, parts[number]) for number in draw(st.permutations(numbers))]


def assert_the_parts_become_the_file(storage, parts, sent, listed) -> None:
    key = new_key()
    transfer_id, there = storage.open_transfer(key, content_type=OCTETS), {}
    for number, content in sent:
        there[number] = storage.write_part(key, transfer_id, number, content)
        assert storage.parts(key, transfer_id) == there
        assert there[number].size == len(content)
    storage.complete_transfer(key, transfer_id, [there[number] for number in listed])
    whole = b"".join(parts[number] for number in sorted(parts))
    assert storage.length(key) == len(whole)
    assert storage.first_bytes(key, len(whole) + 1) == whole
    with pytest.raises(TransferNotFound):
        storage.write_part(key, transfer_id, listed[0], b"late")
    assert [found.key for found in storage.objects(key)] == [key]
    assert storage.remove([key]) == {}
    assert storage.absent([key]) == {key}
    assert [*storage.objects(key), *storage.transfers(key)] == []


@settings(BOUNDED, max_examples=20)
@given(transfer=transfers(least=0), data=st.data())
def test_the_folder_joins_any_parts_sent_in_any_order(local, transfer, data):
    parts, sent = transfer
    assert_the_parts_become_the_file(local, parts, sent, data.draw(st.permutations(sorted(parts))))


@settings(BOUNDED, max_examples=10)
@given(transfer=transfers(least=FULL), data=st.data())
def test_s3_joins_any_parts_sent_in_any_order(s3, transfer, data):
    parts, sent = transfer
    assert_the_parts_become_the_file(s3, parts, sent, data.draw(st.permutations(sorted(parts))))
