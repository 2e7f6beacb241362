"""The folder, killed between any two steps: it holds an open transfer or an object."""

import os
import shutil
import sys
from contextlib import suppress

import pytest

from mayfly.storage.protocol import Part, StorageError, TransferNotFound

from ...support.folders import KEY, arrived, complete, files

pytest_plugins = ["tests.support.storages"]

# Python's audit events for a process's actions on the disk. os.replace counts as a rename.
STEPS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir"}


def killed_at(step, work):
    """Do `work` in a process that dies right before this step on the disk, as by kill -9.

    Returns False if `work` has fewer steps.
    """
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
    """Kill `work` at each step in turn, from the same beginning. Yields the result of `before` after each death."""
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


@forks
def test_a_killed_completion_is_finished_by_the_next(local):
    for transfer_id in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda id_: complete(local, id_)):
        with suppress(TransferNotFound):  # only the tidying was left
            complete(local, transfer_id)
        assert local.first_bytes(KEY, 100) == b"onetwo"
        assert files(local) == ["objects/uploads/a"]


@forks
def test_a_killed_completion_leaves_an_open_transfer_or_the_object(local):
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
def test_a_killed_completion_can_be_aborted_and_removed(local):
    for transfer_id in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda id_: complete(local, id_)):
        local.abort_transfers(KEY)
        assert local.remove([KEY]) == {}
        assert files(local) == []
        with pytest.raises(TransferNotFound):
            local.complete_transfer(KEY, transfer_id, [Part(1, 3, "etag")])
        assert local.length(KEY) is None


@forks
def test_a_removal_after_a_killed_completion_leaves_nothing(local):
    for transfer_id in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda id_: complete(local, id_)):
        if local.length(KEY) is not None:  # the domain counts it as complete, and aborts nothing
            assert local.remove([KEY]) == {}
            assert files(local) == []
        else:
            assert local.parts(KEY, transfer_id)


@forks
def test_a_killed_abort_is_finished_by_the_next(local):
    for _ in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda _: local.abort_transfers(KEY)):
        local.abort_transfers(KEY)
        assert files(local) == []


@forks
def test_the_remains_of_a_killed_abort_are_listed(local):
    """There may be no row with the key, so only reconcile can find it."""
    for _ in every_kill(local, lambda: arrived(local, b"one", b"two"), lambda _: local.abort_transfers(KEY)):
        for found in list(local.transfers("")):
            local.abort_transfers(found.key)
        assert files(local) == []


@forks
def test_a_killed_write_leaves_the_old_or_the_new_part(local):
    def send_again(transfer_id):
        local.write_part(KEY, transfer_id, 1, b"second")

    for transfer_id in every_kill(local, lambda: arrived(local, b"first one"), send_again):
        assert local.parts(KEY, transfer_id)[1].size in (6, 9)
        complete(local, transfer_id)
        assert local.first_bytes(KEY, 100) in (b"first one", b"second")
        assert files(local) == ["objects/uploads/a"]
