"""The completion of an upload: from parts to an object, ready or refused, and once only."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection

from mayfly.storage.protocol import Part, StillAtWork
from mayfly.uploads import lifecycle, parts
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import Busy, Crowded, Gone, PartsMissing, Refused
from mayfly.uploads.models import Upload
from mayfly.uploads.parts import MiB

from ...support.broken import Wrapped, down
from ...support.making import arrive, begin, expire, is_empty, ready, state

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_completed_upload_lives_for_its_lifetime():
    upload = ready(lifetime=timedelta(seconds=100))
    assert upload.state == State.READY
    left = Upload.objects.live().with_time_left().get().time_left
    assert timedelta(seconds=90) < left <= timedelta(seconds=100)
    assert storage.first_bytes(upload.key, 100) == b"hello"


def test_the_parts_of_an_upload_become_one_object(monkeypatch):
    monkeypatch.setattr(parts, "PART_SIZE", 5 * MiB)
    content = bytes(range(256)) * 4096 * 6
    upload = ready(content)
    assert upload.plan.count == 2
    assert storage.length(upload.key) == len(content)
    assert storage.first_bytes(upload.key, len(content)) == content


def test_missing_parts_are_named_and_can_still_arrive():
    upload = begin()
    with pytest.raises(PartsMissing) as missing:
        lifecycle.complete(upload, storage=storage)
    assert missing.value.numbers == [1]
    assert lifecycle.complete(arrive(upload), storage=storage).state == State.READY


def test_an_upload_completes_by_what_its_sender_knows_without_a_list():
    upload = begin()
    part = storage.write_part(upload.key, upload.transfer_id, 1, b"hello")
    ready_one = lifecycle.complete(upload, sent=[part], storage=Wrapped(parts=down))
    assert ready_one.state == State.READY


@pytest.mark.parametrize("wrong", [Part(1, 5, "another"), Part(1, 6, "any"), Part(2, 5, "any")])
def test_storage_lists_its_parts_if_the_sender_is_wrong(wrong):
    upload = arrive(begin())
    assert lifecycle.complete(upload, sent=[wrong], storage=storage).state == State.READY
    missing = begin()
    with pytest.raises(PartsMissing):
        lifecycle.complete(missing, sent=[wrong], storage=storage)
    assert state(missing) == State.PENDING


def test_a_part_shorter_than_its_sender_says_is_refused():
    upload = begin(b"hello")
    part = storage.write_part(upload.key, upload.transfer_id, 1, b"hell")

    def joins_whatever_is_there(key, transfer_id, parts):
        storage.complete_transfer(key, transfer_id, [part])

    with pytest.raises(Refused, match="did not keep all bytes"):
        lifecycle.complete(
            upload, sent=[Part(1, 5, part.etag)], storage=Wrapped(complete_transfer=joins_whatever_is_there)
        )
    assert is_empty(upload)


def test_a_part_of_a_wrong_size_refuses_the_upload():
    upload = begin(b"hello")
    arrive(upload, b"hell")
    with pytest.raises(Refused, match="not those that were declared"):
        lifecycle.complete(upload, storage=storage)
    assert state(upload) == State.GONE
    assert is_empty(upload)


def test_an_extra_part_refuses_the_upload():
    upload = arrive(begin())
    storage.write_part(upload.key, upload.transfer_id, 2, b"more")
    with pytest.raises(Refused):
        lifecycle.complete(upload, storage=storage)
    assert is_empty(upload)


def test_a_non_image_is_removed_and_refused_again_with_its_reason():
    upload = arrive(begin(b"<svg/>", kind=Kind.IMAGE), b"<svg/>")
    for _ in range(2):
        with pytest.raises(Refused, match="not an image we can show"):
            lifecycle.complete(upload, storage=storage)
        upload.refresh_from_db()
    assert state(upload) == State.GONE
    assert is_empty(upload)


def test_completing_twice_returns_the_upload_unchanged():
    upload = arrive(begin())
    first = lifecycle.complete(upload, storage=storage)
    again = lifecycle.complete(upload, storage=storage)
    assert (again.state, again.expires_at) == (State.READY, first.expires_at)


def test_parallel_completions_make_an_upload_ready_once():
    upload = arrive(begin())

    def attempt(_):
        try:
            return lifecycle.complete(Upload.objects.get(pk=upload.pk), storage=storage)
        except (Busy, Crowded):
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        results = list(filter(None, pool.map(attempt, range(8))))
    assert {result.state for result in results} == {State.READY}
    assert len({result.expires_at for result in results}) == 1


def test_a_completion_cut_off_after_storage_can_be_repeated():
    upload = arrive(begin())
    storage.complete_transfer(upload.key, upload.transfer_id, storage.parts(upload.key, upload.transfer_id).values())
    assert lifecycle.complete(upload, storage=storage).state == State.READY


def test_a_complete_that_outlasts_the_request_is_found_done_later():
    """Case 88. Storage goes on after the call has given up, and the same call then finds the object."""
    upload = arrive(begin())

    def slow(*arguments):
        storage.complete_transfer(*arguments)
        raise StillAtWork("no answer in time")

    with pytest.raises(StillAtWork):
        lifecycle.complete(upload, storage=Wrapped(complete_transfer=slow))
    assert state(upload) == State.PENDING
    assert lifecycle.complete(upload, storage=Wrapped(complete_transfer=slow)).state == State.READY


def test_an_upload_whose_transfer_was_aborted_is_refused():
    upload = arrive(begin())
    storage.abort_transfers(upload.key)
    with pytest.raises(Refused, match="Begin again"):
        lifecycle.complete(upload, storage=storage)
    assert state(upload) == State.GONE


def test_no_upload_becomes_ready_after_its_deadline():
    upload = expire(arrive(begin()))
    with pytest.raises(Gone):
        lifecycle.complete(upload, storage=storage)
    lifecycle.sweep(storage=storage)
    assert is_empty(upload)


def test_an_upload_cleared_during_its_completion_stays_gone():
    upload = arrive(begin())

    def beginning(key, count):
        found = storage.beginning(key, count)
        lifecycle.clear(box=upload.box, storage=storage)
        return found

    with pytest.raises(Gone):
        lifecycle.complete(upload, storage=Wrapped(beginning=beginning))
    assert state(upload) is None
    assert is_empty(upload)
