"""The operations under test: the scene before, the operation, and the result that a repetition must have."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from time import monotonic
from unittest import mock

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from mayfly.previews.clean import clean_due
from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import StorageError, TransferNotFound, UploadStorage
from mayfly.uploads import lifecycle
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import Kind, Phase, State
from mayfly.uploads.errors import Refused
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload
from mayfly.uploads.periodic import Round
from mayfly.uploads.reconcile import pairs

from . import databases, observer
from .scenes import MINE, OTHERS, arrive, begin, expire, later, one, part_of, ready, receipt, send, there


class Operation:
    """One operation of the product and its scene. `facts` is what one process passes to the next about the scene."""

    # The answers that are allowed if storage fails, and if the database fails.
    on_storage_error = {"StorageError"}
    on_database_error = {"OperationalError"}
    done = "done"
    # The operation uses another database and storage, so each step needs its own process.
    elsewhere = False

    def enter(self) -> None:
        """Select the database and the storage of this operation."""

    def prepare(self) -> dict:
        """Create the scene: uploads of this operation, and bystanders that it must not touch."""
        observer.wipe()
        facts = self.scene()
        kept, under_way = there("bystander", box=OTHERS), begin("late", box=OTHERS)
        return facts | {"kept": [*facts.get("kept", ()), kept.pk], "pending": [under_way.pk]}

    def scene(self) -> dict:
        return {}

    def act(self, facts: dict, storage: UploadStorage) -> None:
        """Run the operation under test."""

    def meanwhile(self, facts: dict) -> Callable[[], None]:
        """The last step of a completion in storage. The completion lists its parts before the operation begins."""
        if "completing" not in facts:
            return lambda: None
        upload = one(facts, "completing")
        storage = default_storage._wrapped
        complete, parts = storage.complete_transfer, storage.parts(upload.key, upload.transfer_id)

        def go_on() -> None:
            with suppress(TransferNotFound, StorageError):
                complete(upload.key, upload.transfer_id, list(parts.values()))

        return go_on

    def acknowledged(self, facts: dict) -> None:
        """Assert what must hold after the operation has reported success."""

    def invariant(self, facts: dict) -> None:
        """Assert what must hold in this scene at any moment."""

    def abandon(self, facts: dict) -> None:
        """Let the visitor's unfinished transfers expire, because the visitor does not come back."""
        expire(Upload.objects.filter(box=MINE, state=State.PENDING))

    def repeat(self, facts: dict) -> None:
        """Run the operation again, and assert its result."""

    def kept(self, facts: dict) -> None:
        """Assert that the bystanders are still there."""
        for pk in facts.get("kept", ()):
            assert Upload.objects.live().filter(pk=pk).exists(), "an upload went before its time"
        for pk in facts.get("pending", ()):
            assert Upload.objects.pending().filter(pk=pk).exists(), "a transfer went before its time"

    def sweep(self) -> None:
        lifecycle.sweep(storage=default_storage)

    def reconcile(self) -> int:
        """Run reconcile; returns the number of differences that it found."""
        report = comparison.reconcile(storage=default_storage)
        return len(report.rows_without_object + report.objects_without_row + report.transfers_without_row)


class Begin(Operation):
    def act(self, facts, storage):
        begin("begun", storage=storage, address="somewhere")

    def acknowledged(self, facts):
        assert Upload.objects.pending().exclude(transfer_id="").filter(box=MINE, name="begun").exists()

    def repeat(self, facts):
        begun = Upload.objects.pending().filter(box=MINE, name="begun").exclude(transfer_id="").first()
        lifecycle.complete(arrive(begun or begin("begun again")), storage=default_storage)
        # Transfers of which the visitor got no answer expire.
        self.abandon(facts)
        with later():
            self.sweep()
            self.reconcile()


class Sign(Operation):
    def scene(self):
        return {"upload": begin("signed").pk}

    def act(self, facts, storage):
        self.sign(facts, storage)

    def repeat(self, facts):
        upload = one(facts)
        for part in self.sign(facts, default_storage):
            assert send(part, part_of(upload, part.number)) in (200, 201)
        assert lifecycle.complete(upload, storage=default_storage).state == State.READY

    def sign(self, facts, storage):
        upload = one(facts)
        return lifecycle.sign_parts(upload, range(1, upload.plan.count + 1), storage=storage)


class Complete(Operation):
    """Complete an image that replaces an older one, because a box keeps one."""

    # It is done if only the removal of the older image fails, because a sweep finishes that. Storage that has not
    # answered in time may still be at work on the parts.
    on_storage_error = {"StorageError", "StillAtWork", "done"}
    on_database_error = {"OperationalError", "done"}

    def scene(self):
        older = there("older", kind=Kind.IMAGE)
        return {"older": older.pk, "upload": arrive(begin("newer", kind=Kind.IMAGE)).pk}

    def act(self, facts, storage):
        lifecycle.complete(one(facts), storage=storage)

    def invariant(self, facts):
        assert Upload.objects.of(MINE).live().count() == 1, "not exactly one image is live"

    def acknowledged(self, facts):
        assert Upload.objects.of(MINE).live().get().pk == facts["upload"], "not live, though it was said to be"

    def repeat(self, facts):
        assert lifecycle.complete(one(facts), storage=default_storage).state == State.READY
        assert Upload.objects.of(MINE).live().get().pk == facts["upload"]
        assert one(facts, "older").state == State.GONE


class Clean(Operation):
    """Clean a photo as the worker does, which comes again until the photo is clean."""

    on_storage_error = {"StorageError", "StillAtWork", "done"}

    def scene(self):
        claimed = {"cleaning_due_at": Now(), "cleaning_attempts": 1}
        return {"upload": there(observer.PHOTO, kind=Kind.IMAGE, content_type="image/png", **claimed).pk}

    def act(self, facts, storage):
        lifecycle.clean(one(facts), storage=storage)

    def acknowledged(self, facts):
        assert one(facts).state == State.READY

    def sweep(self):
        super().sweep()
        Upload.objects.filter(cleaning_due_at__isnull=False).update(cleaning_due_at=Now())
        clean_due(storage=default_storage, until=monotonic() + 1)

    def repeat(self, facts):
        self.sweep()
        assert (one(facts).metadata, one(facts).size) == ("cleaned", len(observer.CLEAN))


class Refuse(Operation):
    """Refuse an upload that was sent as an image and is not one."""

    # It is refused even if the removal fails, because a sweep finishes that.
    on_storage_error = {"StorageError", "StillAtWork", "Refused"}
    done = "Refused"

    def scene(self):
        return {"upload": arrive(begin("refused", kind=Kind.IMAGE), content=bytes(observer.SIZE)).pk}

    def act(self, facts, storage):
        lifecycle.complete(one(facts), storage=storage)

    def acknowledged(self, facts):
        assert one(facts).state in (State.REMOVING, State.GONE)

    def repeat(self, facts):
        with pytest.raises(Refused, match="not an image"):
            lifecycle.complete(one(facts), storage=default_storage)
        assert one(facts).state == State.GONE


class Keep(Operation):
    """Keep a ready upload longer, and change the lifetime of one that is pending."""

    def scene(self):
        return {"upload": there("kept").pk, "later": begin("later").pk}

    def act(self, facts, storage):
        # As read beforehand, so that a repetition after an unknown outcome adds nothing.
        lifecycle.keep(Upload(pk=facts["upload"], lifetime=limits.lifetime))
        lifecycle.change(one(facts, "later"), lifetime=2 * limits.lifetime, title="changed")

    def invariant(self, facts):
        kept = one(facts)
        assert kept.lifetime in (limits.lifetime, self.longer), "prolonged by half"
        assert kept.expires_at == kept.completed_at + kept.lifetime, "a deadline that is not the lifetime's"

    def acknowledged(self, facts):
        assert one(facts).lifetime == self.longer
        assert one(facts, "later").title == "changed"

    def repeat(self, facts):
        self.act(facts, default_storage)
        self.acknowledged(facts)
        changed = lifecycle.complete(arrive(one(facts, "later")), storage=default_storage)
        assert changed.expires_at == changed.completed_at + 2 * limits.lifetime

    @property
    def longer(self) -> timedelta:
        return limits.lifetime + timedelta(minutes=15)


class Remove(Operation):
    on_storage_error = {"done"}  # the upload is hidden at once, and a sweep finishes the removal

    def scene(self):
        return {"upload": there("removed").pk, "kept": [there("sibling").pk]}

    def act(self, facts, storage):
        lifecycle.remove(one(facts), storage=storage)

    def acknowledged(self, facts):
        assert one(facts).state in (State.REMOVING, State.GONE)

    def repeat(self, facts):
        lifecycle.remove(one(facts), storage=default_storage)
        assert one(facts).state == State.GONE


class Clear(Operation):
    """Clear a box that has an upload in every state that a crash can leave."""

    on_storage_error = {"done"}

    def scene(self):
        there("file")
        # Its transfer is open, but the row does not have its id yet.
        Upload.objects.filter(pk=begin("cut off in begin").pk).update(transfer_id="")
        # Its object exists, but the row is not ready yet.
        there("cut off in complete", State.PENDING, transfer_id="0" * 32)
        return {"completing": arrive(begin("completing")).pk}

    def act(self, facts, storage):
        lifecycle.clear(box=MINE, storage=storage)

    def acknowledged(self, facts):
        assert not Upload.objects.of(MINE).standing().exists()

    def repeat(self, facts):
        lifecycle.clear(box=MINE, storage=default_storage)
        assert not Upload.objects.of(MINE).exclude(state=State.GONE).exists()


class Sweep(Operation):
    """Sweep an upload and a transfer that are due, an upload half removed, and an old receipt."""

    on_storage_error = {"StorageError", "done"}

    def scene(self):
        there("file")
        arrive(begin("abandoned"))
        there("half removed", State.REMOVING)
        receipt("old", removed_at=Now() - limits.receipt_time - timedelta(seconds=1))
        expire(Upload.objects.of(MINE))
        return {"kept": [there("sibling").pk]}

    def act(self, facts, storage):
        lifecycle.sweep(storage=storage, share=2)  # more than one share

    def acknowledged(self, facts):
        assert not Upload.objects.due().exists()

    def repeat(self, facts):
        self.sweep()
        assert not (Upload.objects.due() | Upload.objects.removing()).exists()


class Reconcile(Operation):
    """Take the periodic round from its first step to its last, with one of each thing that exists on one side only."""

    on_storage_error = {"StorageError", "done"}

    def scene(self):
        Round.objects.all().delete()
        # The number of steps depends on the order of ids, and these come before all random ones.
        ids = [f"{number:022}" for number in range(7)]
        lost, gone, aborted = there("lost", id=ids[0]), receipt("gone", id=ids[1]), receipt("aborted", id=ids[2])
        default_storage.remove([lost.key])
        strays = [gone.key, f"uploads/{ids[3]}", f"previews/{ids[4]}.webp"]
        for key in strays:
            observer.put(key, b"stray")
        transfers = [aborted.key, f"uploads/{ids[5]}"]
        for key in transfers:
            default_storage.open_transfer(key, content_type=OCTETS)
        return {"lost": [lost.key], "strays": strays + transfers, "kept": [there("sibling", id=ids[6]).pk]}

    def act(self, facts, storage):
        self.whole_round(storage)

    def meanwhile(self, facts):
        """Another worker takes the round on, unless the step is within a transaction, which would be this one's own."""

        def take_a_slice() -> None:
            if not connection.in_atomic_block:
                comparison.go_on(storage=default_storage, every=timedelta(0))

        return take_a_slice

    def repeat(self, facts):
        assert self.reconcile() == 0

    def reconcile(self):
        """End the round that was cut off, take another to its end, and return what is left for a third."""
        with later():
            if Round.objects.exclude(phase=Phase.ENDED).exists():
                self.whole_round(default_storage)
            self.whole_round(default_storage)
            return super().reconcile()

    def whole_round(self, storage) -> None:
        with later(), mock.patch.object(pairs, "PAGE", 3):  # several steps in each slice
            current = None
            while current is None or not current.is_over:
                with suppress(comparison.Overtaken):
                    current = comparison.go_on(storage=storage, every=timedelta(0))
        assert current.phase == Phase.ENDED, current.why_stopped


class Release(Operation):
    """Release Mayfly for the first time: the database has Django's tables only, and storage does not exist."""

    # It is done if the folder was made in spite of the error.
    on_storage_error = {"CommandError", "done"}
    on_database_error = {"CommandError"}
    elsewhere = True

    def enter(self):
        databases.use(databases.RELEASED)
        if settings.USE_S3:
            storage = default_storage._wrapped
            storage.bucket_name = f"{storage.bucket_name}-released"
            for name in ("signer", "_direct"):  # made for the other bucket
                vars(storage).pop(name, None)
        else:
            default_storage._wrapped = FolderUploadStorage(settings.DATA_DIR / "released")

    def prepare(self):
        storage = default_storage._wrapped
        if isinstance(storage, FolderUploadStorage):
            shutil.rmtree(Path(storage.location).parent, ignore_errors=True)
        elif storage.bucket_name in {bucket["Name"] for bucket in storage.client.list_buckets()["Buckets"]}:
            observer.empty()
            storage.client.delete_bucket(Bucket=storage.bucket_name)
        databases.copy(databases.BEFORE_RELEASE, databases.RELEASED)
        return {}

    def act(self, facts, storage):
        call_command("release", stdout=StringIO())

    def acknowledged(self, facts):
        default_storage.check()

    def repeat(self, facts):
        call_command("release", stdout=StringIO())
        out = StringIO()
        call_command("release", stdout=out)
        assert out.getvalue() == "database: nothing to do\nstorage: nothing to do\n"
        assert ready("first").state == State.READY


OPERATIONS: dict[str, Operation] = {
    operation.__name__.lower(): operation()
    for operation in (Begin, Sign, Complete, Clean, Refuse, Keep, Remove, Clear, Sweep, Reconcile, Release)
}
