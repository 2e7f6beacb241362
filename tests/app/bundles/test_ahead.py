"""Reads that are under way before their bytes are wanted."""

import threading

import pytest

from mayfly.bundles.ahead import MOST, Read, in_order

LONG = 30  # seconds that a test waits before it gives up


def reads(*counts: int) -> list[Read]:
    return [Read(str(number), 0, count) for number, count in enumerate(counts)]


class Noted:
    """Gives the bytes of a read, and notes how many were asked for."""

    def __init__(self):
        self.counts: list[int] = []

    def __call__(self, read: Read) -> bytes:
        self.counts.append(read.count)
        return named(read)


def named(read: Read) -> bytes:
    return read.key.encode()


def test_bytes_come_in_the_order_of_their_reads():
    """The first reads are answered last."""
    answered = [threading.Event() for _ in range(MOST)]

    def backwards(read: Read) -> bytes:
        number = int(read.key)
        if number + 1 < MOST:
            assert answered[number + 1].wait(LONG)
        answered[number].set()
        return named(read)

    given = list(in_order(reads(*[1] * MOST), read=backwards, memory=MOST))
    assert given == [str(number).encode() for number in range(MOST)]


def test_the_next_read_begins_before_the_bytes_of_the_last_are_used():
    began = threading.Event()

    def noted(read: Read) -> bytes:
        if read.key == "1":
            began.set()
        return named(read)

    content = in_order(reads(5, 5), read=noted, memory=10)
    assert next(content) == b"0"
    assert began.wait(LONG)


@pytest.mark.parametrize(("counts", "memory"), [([5, 5, 5], 9), ([20, 20], 10), ([1] * 40, 1000)])
def test_no_more_is_held_than_the_memory_or_a_single_read(counts, memory):
    begun = Noted()
    for done, _ in enumerate(in_order(reads(*counts), read=begun, memory=memory)):
        held = begun.counts[done:]
        assert len(held) <= MOST + 1
        assert sum(held) <= memory or len(held) == 1


def test_an_error_comes_in_its_place_and_ends_the_reads():
    def failing(read: Read) -> bytes:
        if read.key == "1":
            raise OSError("lost")
        return named(read)

    content = in_order(reads(1, 1, 1), read=failing, memory=3)
    assert next(content) == b"0"
    with pytest.raises(OSError, match="lost"):
        next(content)
    assert list(content) == []


def test_nothing_begins_after_the_end():
    begun = Noted()
    content = in_order(reads(*[5] * 20), read=begun, memory=5)
    next(content)
    content.close()
    assert begun.counts == [5]
