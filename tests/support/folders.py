"""Transfers into the folder storage, and what they leave on disk."""

import os

KEY = "uploads/a"


def begin(storage):
    return storage.open_transfer(KEY, content_type="text/plain")


def arrived(storage, *contents):
    """An open transfer with these parts."""
    transfer_id = begin(storage)
    for number, content in enumerate(contents, 1):
        storage.write_part(KEY, transfer_id, number, content)
    return transfer_id


def files(storage):
    """All files in the folder, and the folders of transfers."""
    root = os.path.dirname(storage.location)
    found = [os.path.relpath(os.path.join(at, name), root) for at, _, names in os.walk(root) for name in names]
    transfers = os.listdir(os.path.join(root, "transfers"))
    return sorted(found + [f"transfers/{name}" for name in transfers])


def complete(storage, transfer_id):
    """Complete as the domain does: with the listed parts."""
    storage.complete_transfer(KEY, transfer_id, storage.parts(KEY, transfer_id).values())
