"""Put two steps of the product into the wrong order, so that the suite can prove that it notices.

Each class is a storage that runs a step earlier or later than the product asks; the product itself stays unchanged.
"""

from django.db import transaction
from django.db.models.signals import pre_save

from mayfly.storage.protocol import Beginning
from mayfly.uploads import events
from mayfly.uploads.models import Upload


class Swapped:
    """The real storage, except for the methods of a subclass."""

    def __init__(self, storage):
        self.storage = storage

    def __getattr__(self, name):
        return getattr(self.storage, name)


class GoneBeforeTheObjectIsRemoved(Swapped):
    def remove(self, keys):
        transaction.on_commit(lambda: self.storage.remove(keys))
        return {}

    def unproven(self, keys, *, seconds):
        return {}


class ObjectRemovedBeforeTheTransferIsAborted(Swapped):
    def __init__(self, storage):
        super().__init__(storage)
        self._held = []

    def close_transfers(self, keys, *, seconds):
        self._held.extend(keys)
        return {}

    def remove(self, keys):
        errors = self.storage.remove(keys)
        while self._held:
            self.storage.abort_transfers(self._held.pop())
        return errors

    def unproven(self, keys, *, seconds):
        return {}


class TransferOpenedBeforeTheRowIsCommitted(Swapped):
    def __init__(self, storage):
        super().__init__(storage)
        pre_save.connect(self._open, sender=Upload)

    def _open(self, instance, **_):
        self._transfer_id = self.storage.open_transfer(instance.key, content_type="application/octet-stream")

    def open_transfer(self, key, *, content_type):
        return self._transfer_id


class ReadyBeforeTheTransferIsComplete(Swapped):
    def __init__(self, storage):
        super().__init__(storage)
        events.ready.connect(self._ready)
        self._size = None  # no object yet

    def _ready(self, **_):
        transaction.on_commit(self._complete)

    def complete_transfer(self, key, transfer_id, parts):
        parts = list(parts)
        self._size = sum(part.size for part in parts)
        self._complete = lambda: self.storage.complete_transfer(key, transfer_id, parts)

    def beginning(self, key, count):
        return self._size and Beginning(b"\x89PNG\r\n\x1a\n", self._size)


class OfferedBeforeItIsClean(Swapped):
    def complete_transfer(self, key, transfer_id, parts):
        Upload.objects.filter(cleaning_due_at__isnull=False).update(cleaning_due_at=None)
        self.storage.complete_transfer(key, transfer_id, parts)


SWAPS = {
    "gone-before-object": GoneBeforeTheObjectIsRemoved,
    "object-before-transfer": ObjectRemovedBeforeTheTransferIsAborted,
    "transfer-before-row": TransferOpenedBeforeTheRowIsCommitted,
    "ready-before-complete": ReadyBeforeTheTransferIsComplete,
    "offered-before-clean": OfferedBeforeItIsClean,
}
