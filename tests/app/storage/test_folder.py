"""The folder: killed between any two steps, or in a race at every step, it holds an open transfer or an object."""

import os
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from django.core.exceptions import SuspiciousFileOperation

from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.storage.protocol import Part, StorageError, TransferNotFound

from ..storages import new_key, stored

pytest_plugins = ["tests.app.storages"]
KEY = "uploads/a"
# What a process does to the disk, as Python's audit events name it; os.replace is a rename, too.
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}


def begin(storage):
    return storage.open_transfer(KEY, content_type="text/plain")


def arrived(storage, *contents):
    """An open transfer with these parts."""
    transfer_id = begin(storage)
    for number, content in enumerate(contents, 1):
        storage.write_part(KEY, transfer_id, number, content)
    return transfer_id


def files(storage):
    """All that lies in the folder, but for the two folders that are always there, and the objects' own."""
    root = os.path.dirname(storage.location)
    found = [os.path.relpath(os.path.join(at, name), root) for at, _, names in os.walk(root) for name in names]
    transfers = os.listdir(os.path.join(root, "transfers"))
    return sorted(found + [f"transfers/{name}" for name in transfers])


def killed_at(step, work):
    """Do `work` in a process that dies, as by kill -9, right before this step on the disk; was there such a step?"""
    child = os.fork()
    if child == 0:
        taken = 0

        def count(event, arguments):
            nonlocal taken
            if event in STEPS:
                taken += 1
                if taken == step:
                    os._exit(9)

        sys.addaudithook(count)
        with suppress(StorageError, TransferNotFound):
            work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def every_kill(storage, before, work):
    """Killed at each step in turn, from the same beginning: yields what `before` returned, after each death."""
    for step in range(1, 100):
        shutil.rmtree(os.path.dirname(storage.location))
        storage.prepare()
        beginning = before()
        if not killed_at(step, lambda beginning=beginning: work(beginning)):
            assert step > 2, "nothing was tried"
            return
        yield beginning
    raise AssertionError("the work never came to its end")


forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def complete(storage, transfer_id):
    """As the domain completes: list, then complete with what is listed."""
    storage.complete_transfer(KEY, transfer_id, storage.parts(KEY, transfer_id).values())


@forks
def test_a_completion_killed_anywhere_is_finished_by_the_next(local):
    for transfer_id in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda id_: complete(local, id_)):
        with suppress(TransferNotFound):  # it had come to its end but for the tidying
            complete(local, transfer_id)
        assert local.first_bytes(KEY, 100) == b"onetwo"
        assert files(local) == ["objects/uploads/a"]


@forks
def test_a_completion_killed_anywhere_leaves_an_open_transfer_or_the_object(local):
    for transfer_id in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda id_: complete(local, id_)):
        if local.length(KEY) is None:
            assert {number: part.size for number, part in local.parts(KEY, transfer_id).items()} == {1: 3, 2: 3}
        else:
            assert local.first_bytes(KEY, 100) == b"onetwo"
            with pytest.raises(TransferNotFound):
                local.parts(KEY, transfer_id)
            with pytest.raises(TransferNotFound):
                local.write_part(KEY, transfer_id, 1, b"another")


@forks
def test_a_completion_killed_anywhere_can_be_aborted_and_removed(local):
    for transfer_id in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda id_: complete(local, id_)):
        local.abort_transfers(KEY)
        assert local.remove([KEY]) == {}
        assert files(local) == []
        with pytest.raises(TransferNotFound):
            local.complete_transfer(KEY, transfer_id, [Part(1, 3, "etag")])
        assert local.length(KEY) is None


@forks
def test_a_completed_upload_leaves_nothing_behind_its_removal_wherever_it_was_killed(local):
    for transfer_id in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda id_: complete(local, id_)):
        if local.length(KEY) is not None:  # then the domain takes it for complete, and does not abort
            assert local.remove([KEY]) == {}
            assert files(local) == []
        else:
            assert local.parts(KEY, transfer_id)


@forks
def test_an_abort_killed_anywhere_is_finished_by_the_next(local):
    for _ in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda _: local.abort_transfers(KEY)):
        local.abort_transfers(KEY)
        assert files(local) == []


@forks
def test_what_an_abort_killed_anywhere_has_left_is_listed_for_another(local):
    """No row may know of the key, so that reconcile alone can find it."""
    for _ in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda _: local.abort_transfers(KEY)):
        for found in list(local.transfers("")):
            local.abort_transfers(found.key)
        assert files(local) == []


@forks
def test_a_part_killed_anywhere_is_there_or_not(local):
    def send_again(transfer_id):
        local.write_part(KEY, transfer_id, 1, b"second")

    for transfer_id in every_kill(local, lambda: arrived(local, b"first one"), send_again):
        assert local.parts(KEY, transfer_id)[1].size in (6, 9)
        complete(local, transfer_id)
        assert local.first_bytes(KEY, 100) in (b"first one", b"second")
        assert files(local) == ["objects/uploads/a"]


def together(*calls):
    """Make these calls, each a method and its arguments, at one moment; what each returned, or raised."""
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


def test_complete_and_abort_at_once_leave_the_whole_object_or_nothing(local):
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


def test_of_completions_at_once_the_transfer_is_closed_by_one(local):
    for _ in range(ROUNDS):
        transfer_id = arrived(local, b"one", b"two")
        parts = local.parts(KEY, transfer_id).values()
        results = together(*[(local.complete_transfer, KEY, transfer_id, parts)] * 3)
        assert results.count(None) == 1
        assert sum(isinstance(result, TransferNotFound) for result in results) == 2
        assert local.first_bytes(KEY, 100) == b"onetwo"
        assert files(local) == ["objects/uploads/a"]


def test_a_part_that_races_with_the_completion_is_in_it_or_refused(local):
    for _ in range(ROUNDS):
        transfer_id = arrived(local, b"first")
        parts = local.parts(KEY, transfer_id).values()
        together((local.complete_transfer, KEY, transfer_id, parts), (local.write_part, KEY, transfer_id, 1, b"other"))
        if local.length(KEY) is None:  # the part was quicker: what was listed is not there any more
            complete(local, transfer_id)
            assert local.first_bytes(KEY, 100) == b"other"
        else:
            assert local.first_bytes(KEY, 100) == b"first"
        local.remove([KEY])
        assert files(local) == []


def test_transfers_begin_while_others_of_the_key_are_aborted(local):
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
def test_a_slow_part_is_refused_when_the_transfer_is_closed_meanwhile(local, close):
    transfer_id = arrived(local, b"one")

    def chunks():
        yield b"be"
        close(local, transfer_id)
        yield b"gun"

    with pytest.raises(TransferNotFound):
        local.receive_part(KEY, transfer_id, 2, chunks())
    local.remove([KEY])
    assert files(local) == []


def test_a_part_that_breaks_off_leaves_nothing(local):
    transfer_id = arrived(local, b"one")

    def chunks():
        yield b"be"
        raise KeyError("the sender went away")

    with pytest.raises(KeyError):
        local.receive_part(KEY, transfer_id, 1, chunks())
    assert len(files(local)) == 2  # the part, and the folder that it is in
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


def test_an_object_that_cannot_be_put_in_place_is_completed_later(local):
    transfer_id = arrived(local, b"one")
    in_the_way = local.path(KEY)
    os.makedirs(in_the_way)
    with pytest.raises(StorageError):
        complete(local, transfer_id)
    os.rmdir(in_the_way)
    complete(local, transfer_id)
    assert local.first_bytes(KEY, 100) == b"one"
    assert files(local) == ["objects/uploads/a"]


def test_a_folder_that_is_not_mounted_is_no_empty_storage(local):
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


def test_what_cannot_be_removed_is_named_and_the_rest_is_gone(local):
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
def test_odd_keys_stay_what_they_are(local, key):
    transfer_id = local.open_transfer(key, content_type="text/plain")
    assert local.length(key) is None
    local.complete_transfer(key, transfer_id, [local.write_part(key, transfer_id, 1, b"content")])
    assert local.length(key) == 7
    assert local.remove([key]) == {}


def test_preparing_tells_what_it_made(tmp_path):
    storage = FolderUploadStorage(tmp_path / "new" / "folder")
    assert len(storage.prepare()) == 2
    assert storage.prepare() == []


def test_a_transfer_is_found_by_its_key_however_many_others_there_are(local, monkeypatch):
    for _ in range(50):
        local.open_transfer(new_key(), content_type="text/plain")
    begin(local)
    listed = []
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(folder) or real(folder))
    local.abort_transfers(KEY)
    assert len(listed) <= 4
