"""The folder: races, full disks, odd keys."""

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import SuspiciousFileOperation

from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.storage.protocol import StorageError, TransferNotFound

from ...support.folders import KEY, arrived, begin, complete, files
from ...support.storages import new_key, stored

pytest_plugins = ["tests.support.storages"]


def together(*calls):
    """Make these calls at the same moment, each a method and its arguments. Returns each result, or its error."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        method, *arguments = call
        barrier.wait()
        try:
            return method(*arguments)
        except (StorageError, TransferNotFound) as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


ROUNDS = 60


def test_a_race_of_complete_and_abort_leaves_the_object_or_nothing(local):
    for _ in range(ROUNDS):
        transfer_id = arrived(local, b"one", b"two")
        parts = local.parts(KEY, transfer_id).values()
        completed, aborted = together((local.complete_transfer, KEY, transfer_id, parts), (local.abort_transfers, KEY))
        assert aborted is None
        if completed is None:
            assert local.first_bytes(KEY, 100) == b"onetwo"
        else:
            assert isinstance(completed, TransferNotFound)
            assert local.length(KEY) is None
        local.remove([KEY])
        assert files(local) == []


def test_one_of_several_parallel_completions_closes_the_transfer(local):
    for _ in range(ROUNDS):
        transfer_id = arrived(local, b"one", b"two")
        parts = local.parts(KEY, transfer_id).values()
        results = together(*[(local.complete_transfer, KEY, transfer_id, parts)] * 3)
        assert results.count(None) == 1
        assert sum(isinstance(result, TransferNotFound) for result in results) == 2
        assert local.first_bytes(KEY, 100) == b"onetwo"
        assert files(local) == ["objects/uploads/a"]


def test_a_part_racing_with_the_completion_is_included_or_refused(local):
    for _ in range(ROUNDS):
        transfer_id = arrived(local, b"first")
        parts = local.parts(KEY, transfer_id).values()
        together((local.complete_transfer, KEY, transfer_id, parts), (local.write_part, KEY, transfer_id, 1, b"other"))
        if local.length(KEY) is None:  # the part was quicker, so the list is out of date
            complete(local, transfer_id)
            assert local.first_bytes(KEY, 100) == b"other"
        else:
            assert local.first_bytes(KEY, 100) == b"first"
        local.remove([KEY])
        assert files(local) == []


def test_a_transfer_opens_while_others_of_its_key_are_aborted(local):
    for _ in range(ROUNDS):
        begin(local)
        begun, aborted = together((begin, local), (local.abort_transfers, KEY))
        assert isinstance(begun, str)
        assert aborted is None
    local.abort_transfers(KEY)
    assert files(local) == []


def test_a_closed_transfer_is_not_completed_twice(local):
    transfer_id = arrived(local, b"one")
    parts = local.parts(KEY, transfer_id).values()
    local.complete_transfer(KEY, transfer_id, parts)
    with pytest.raises(TransferNotFound):
        local.complete_transfer(KEY, transfer_id, parts)


@pytest.mark.parametrize(
    "close", [complete, lambda storage, transfer_id: storage.abort_transfers(KEY)], ids=["complete", "abort"]
)
def test_a_slow_part_is_refused_if_its_transfer_closes(local, close):
    transfer_id = arrived(local, b"one")

    def chunks():
        yield b"be"
        close(local, transfer_id)
        yield b"gun"

    with pytest.raises(TransferNotFound):
        local.receive_part(KEY, transfer_id, 2, chunks())
    local.remove([KEY])
    assert files(local) == []


def test_an_interrupted_part_leaves_nothing(local):
    transfer_id = arrived(local, b"one")

    def chunks():
        yield b"be"
        raise KeyError("the sender went away")

    with pytest.raises(KeyError):
        local.receive_part(KEY, transfer_id, 1, chunks())
    assert len(files(local)) == 2  # the part and its folder
    complete(local, transfer_id)
    assert local.first_bytes(KEY, 100) == b"one"


def test_a_full_disk_leaves_the_transfer_open(local, monkeypatch):
    transfer_id = arrived(local, b"one", b"two")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(shutil, "copyfileobj", full)
        with pytest.raises(StorageError, match="No space left"):
            complete(local, transfer_id)
    assert local.length(KEY) is None
    assert not [name for name in files(local) if name.endswith(".whole")]
    complete(local, transfer_id)
    assert local.first_bytes(KEY, 100) == b"onetwo"


def test_a_completion_that_cannot_place_its_object_can_be_repeated(local):
    transfer_id = arrived(local, b"one")
    in_the_way = local.path(KEY)
    os.makedirs(in_the_way)
    with pytest.raises(StorageError):
        complete(local, transfer_id)
    os.rmdir(in_the_way)
    complete(local, transfer_id)
    assert local.first_bytes(KEY, 100) == b"one"
    assert files(local) == ["objects/uploads/a"]


def test_an_unmounted_folder_is_an_error_and_no_empty_storage(local):
    transfer_id = arrived(local, b"one")
    shutil.rmtree(os.path.dirname(local.location))
    for call in (
        lambda: begin(local),
        lambda: local.write_part(KEY, transfer_id, 1, b"one"),
        lambda: local.parts(KEY, transfer_id),
        lambda: local.complete_transfer(KEY, transfer_id, []),
        lambda: local.abort_transfers(KEY),
        lambda: local.length(KEY),
        lambda: local.first_bytes(KEY, 10),
        lambda: local.remove([KEY]),
        lambda: local.check(),
    ):
        with pytest.raises(StorageError):
            call()
    assert not os.path.exists(os.path.dirname(local.location))


def test_a_failed_removal_is_named_and_the_rest_is_removed(local):
    stored(local, KEY, b"content")
    os.makedirs(os.path.join(local.path("uploads/b"), "something in it"))
    errors = local.remove(["uploads/b", KEY])
    assert list(errors) == ["uploads/b"]
    assert local.length(KEY) is None


@pytest.mark.parametrize(
    "key",
    ["../a", "uploads/../../a", "/etc/passwd", "uploads//a", "uploads/.", "..", "", "a\\..\\b", "a\0b", "uploads/"],
)
def test_no_key_leads_out_of_the_folder(local, key):
    """Case 20."""
    for call in (
        lambda: local.open_transfer(key, content_type="text/plain"),
        lambda: local.parts(key, "0" * 32),
        lambda: local.complete_transfer(key, "0" * 32, []),
        lambda: local.abort_transfers(key),
        lambda: local.length(key),
        lambda: local.first_bytes(key, 1),
        lambda: local.remove([key]),
    ):
        with pytest.raises(SuspiciousFileOperation):
            call()


@pytest.mark.parametrize("key", ["uploads/łódź 猫+~%2F", "uploads/%2e%2e", "a", "uploads/a.b", "uploads%2Fa"])
def test_odd_keys_are_kept_unchanged(local, key):
    transfer_id = local.open_transfer(key, content_type="text/plain")
    assert local.length(key) is None
    local.complete_transfer(key, transfer_id, [local.write_part(key, transfer_id, 1, b"content")])
    assert local.length(key) == 7
    assert local.remove([key]) == {}


def test_preparing_reports_the_folders_that_it_made(tmp_path):
    storage = FolderUploadStorage(tmp_path / "new" / "folder")
    assert len(storage.prepare()) == 2
    assert storage.prepare() == []


def test_an_abort_lists_no_transfers_of_other_keys(local, monkeypatch):
    for _ in range(50):
        local.open_transfer(new_key(), content_type="text/plain")
    begin(local)
    listed = []
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(folder) or real(folder))
    local.abort_transfers(KEY)
    assert len(listed) <= 4
