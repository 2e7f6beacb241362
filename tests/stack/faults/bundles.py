"""The operations on bundles under test, as `operations` has those on uploads."""

from datetime import timedelta

from django.core.files.storage import default_storage

from mayfly.bundles import lifecycle as bundles
from mayfly.uploads import lifecycle
from mayfly.uploads.bundle import Bundle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.models import Upload

from .operations import Operation
from .scenes import MINE, arrive, begin, later, there

LIFETIME = timedelta(hours=2)


def of(facts: dict) -> Bundle:
    return Bundle.objects.get(pk=facts["bundle"])


def filled(*, complete: bool) -> tuple[Bundle, list[Upload]]:
    """A bundle with an image and a file that are ready."""
    bundle = bundles.begin(box=MINE, title="together", lifetime=LIFETIME)
    uploads = [there("image", kind=Kind.IMAGE, bundle=bundle.pk), there("file", bundle=bundle.pk)]
    if complete:
        bundle = bundles.complete(bundle, storage=default_storage)
    return bundle, uploads


class CompleteBundle(Operation):
    """Complete a bundle of which two uploads are ready, and one is still on its way."""

    on_storage_error = {"done"}  # the upload that is left out is hidden at once, and a sweep finishes its removal
    on_database_error = {"OperationalError", "done"}

    def scene(self):
        bundle, uploads = filled(complete=False)
        late = arrive(begin("late"))
        Upload.objects.filter(pk=late.pk).update(bundle=bundle.pk)
        ids = [upload.pk for upload in uploads]
        return {"bundle": bundle.pk, "uploads": ids, "kept": ids, "left out": late.pk}

    def act(self, facts, storage):
        bundles.complete(of(facts), storage=storage)

    def invariant(self, facts):
        bundle = of(facts)
        ready = Upload.objects.live().filter(pk__in=facts["uploads"])
        assert ready.count() == len(facts["uploads"]), "an upload of the bundle is lost"
        assert len(set(ready.values_list("lifetime", flat=True))) == 1, "some uploads have the new deadline"
        if not bundle.is_open:
            assert set(ready.values_list("expires_at", flat=True)) == {bundle.expires_at}, "not one deadline for all"

    def acknowledged(self, facts):
        assert not of(facts).is_open
        assert not Upload.objects.pending().filter(pk=facts["left out"]).exists()

    def repeat(self, facts):
        bundle = bundles.complete(of(facts), storage=default_storage)
        assert bundle.expires_at - bundle.completed_at <= LIFETIME + timedelta(seconds=1)
        self.acknowledged(facts)


class RemoveBundle(Operation):
    """Remove a complete bundle with all that is in it."""

    on_storage_error = {"done"}
    on_database_error = {"OperationalError", "done"}

    def scene(self):
        bundle, uploads = filled(complete=True)
        return {"bundle": bundle.pk, "uploads": [upload.pk for upload in uploads], "kept": [there("alone").pk]}

    def act(self, facts, storage):
        bundles.remove(of(facts), storage=storage)

    def invariant(self, facts):
        states = set(Upload.objects.filter(pk__in=facts["uploads"]).values_list("state", flat=True))
        assert states == {State.READY} or State.READY not in states, "half of the bundle is removed"

    def acknowledged(self, facts):
        assert not Upload.objects.standing().filter(pk__in=facts["uploads"]).exists()
        assert of(facts).ended

    def repeat(self, facts):
        bundles.remove(of(facts), storage=default_storage)
        assert set(Upload.objects.filter(pk__in=facts["uploads"]).values_list("state", flat=True)) == {State.GONE}
        lifecycle.sweep(storage=default_storage)
        assert of(facts).title == "", "a receipt keeps the title"


class BeginBundle(Operation):
    """Begin a bundle, and the first upload in it."""

    def act(self, facts, storage):
        bundle = bundles.begin(box=MINE, title="begun")
        lifecycle.begin(box=MINE, kind=Kind.FILE, name="in it", size=100, bundle=bundle.pk, storage=storage)

    def acknowledged(self, facts):
        bundle = Bundle.objects.open().get(title="begun")
        assert Upload.objects.pending().exclude(transfer_id="").filter(bundle=bundle.pk).exists()

    def repeat(self, facts):
        bundle = bundles.begin(box=MINE, title="begun again")
        upload = lifecycle.begin(
            box=MINE, kind=Kind.FILE, name="again", size=100, bundle=bundle.pk, storage=default_storage
        )
        lifecycle.complete(arrive(upload), storage=default_storage)
        assert not bundles.complete(bundle, storage=default_storage).is_open
        # Transfers of which the visitor got no answer expire.
        self.abandon(facts)
        with later():
            self.sweep()
            self.reconcile()


BUNDLES: dict[str, Operation] = {
    operation.__name__.lower(): operation() for operation in (BeginBundle, CompleteBundle, RemoveBundle)
}
