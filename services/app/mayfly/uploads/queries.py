"""Every question asked of the uploads table. The database's clock alone compares times."""

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from .choices import STANDING, State
from .limits import limits
from .order import ByteOrder
from .prepared import Prepared

if TYPE_CHECKING:
    from django.db.models.expressions import CombinedExpression

    from .models import Upload  # noqa: F401  (the name in the annotation below)

# A sweep tries every five seconds; after five minutes the failure is not one that passes.
STUCK = timedelta(minutes=5)


class UploadQuerySet(models.QuerySet["Upload"]):
    def by_id(self, pk: str) -> "Upload | None":
        """The upload of this id, with its `time_left`, whatever else was filtered. Its SQL is made once."""
        for *values, left in _rows(self.model).rows(pk):
            upload = self.model.from_db(DEFAULT_DB_ALIAS, _columns(self.model), values)
            upload.time_left = left
            return upload
        return None

    def of(self, box: str) -> "UploadQuerySet":
        """The uploads of one box."""
        return self.filter(box=box)

    def sent_from(self, address: str) -> "UploadQuerySet":
        """The uploads that came from one address, whatever their box."""
        return self.filter(address=address)

    def pending(self) -> "UploadQuerySet":
        """Begun, and not past the deadline of their transfer."""
        return self.filter(state=State.PENDING, expires_at__gt=Now())

    def live(self) -> "UploadQuerySet":
        """Offered to people at this moment, newest first."""
        return self.filter(_is_live()).order_by("-completed_at", "-pk")

    def standing(self) -> "UploadQuerySet":
        """Pending or ready, in time or not: a removal begins with these, and quotas count them."""
        return self.filter(state__in=STANDING)

    def due(self) -> "UploadQuerySet":
        """Pending or ready although their deadline has passed."""
        return self.standing().filter(expires_at__lte=Now())

    def stored(self) -> "UploadQuerySet":
        """All of which storage may have bytes."""
        return self.exclude(state=State.GONE)

    def removing(self) -> "UploadQuerySet":
        """Being removed: some of their bytes may still exist."""
        return self.filter(state=State.REMOVING)

    def stuck(self) -> "UploadQuerySet":
        """Being removed for longer than STUCK, the longest first: storage does not let go of them."""
        return self.removing().filter(removing_since__lt=Now() - STUCK).order_by("removing_since")

    def gone(self) -> "UploadQuerySet":
        """Receipts: storage has none of their bytes."""
        return self.filter(state=State.GONE)

    def outdated_receipts(self) -> "UploadQuerySet":
        """Receipts that have been kept for `receipt_time`."""
        return self.gone().filter(removed_at__lt=Now() - limits.receipt_time)

    def outdated_refusals(self) -> "UploadQuerySet":
        """Refused uploads that were never ready, and whose owners have had a lifetime to ask why."""
        # Only receipts have a time of removal, and SQLite would prefer their own index if their state were asked for.
        return self.filter(completed_at__isnull=True, removed_at__lt=Now() - limits.lifetime)

    def heading_their_bundle(self, kind: str) -> "UploadQuerySet":
        """Leave out an upload of this kind if a newer live one of the same kind is in the same bundle.

        The newest one stands for all of them, in a list and among the newest images. Those that are not ready stay.
        """
        is_newer = Q(completed_at__gt=OuterRef("completed_at")) | Q(
            completed_at=OuterRef("completed_at"), pk__gt=OuterRef("pk")
        )
        newer = self.model.objects.filter(_is_live(), is_newer, bundle=OuterRef("bundle"), kind=kind)
        return self.filter(Q(bundle__isnull=True) | ~Q(state=State.READY) | ~Exists(newer))

    def live_or_refused(self) -> "UploadQuerySet":
        """The uploads of the owner's page, newest first: live ones, and images that were refused a short while ago.

        The page shows their owner why those images cannot be shown.
        """
        return self.filter(_is_live() | _is_refused()).order_by("-completed_at", "-pk")

    def refused(self) -> "UploadQuerySet":
        """Images that were refused a short while ago, newest first."""
        return self.filter(_is_refused()).order_by("-completed_at", "-pk")

    def wanting_a_preview(self) -> "UploadQuerySet":
        """Uploads whose next attempt at a preview is due: images first, and the longest waiting first.

        An image is cleaned before it is drawn, so that storage never replaces what the decoder reads.
        """
        waiting = self.live().filter(preview_due_at__lte=Now(), cleaning_due_at__isnull=True)
        if limits.scans:  # a preview shows something of it
            waiting = waiting.filter(scan_due_at__isnull=True)
        return waiting.order_by("-kind", "preview_due_at")

    def wanting_to_be_cleaned(self) -> "UploadQuerySet":
        """Images whose next attempt at a cleaning is due, the longest waiting first."""
        return self.live().filter(cleaning_due_at__lte=Now()).order_by("cleaning_due_at")

    def wanting_a_scan(self) -> "UploadQuerySet":
        """Uploads whose next attempt at a virus check is due, the longest waiting first.

        An image is cleaned before it is checked, because the cleaned one is given out.
        """
        return self.live().filter(scan_due_at__lte=Now(), cleaning_due_at__isnull=True).order_by("scan_due_at")

    def waiting_for_a_scan(self) -> "UploadQuerySet":
        """Uploads that are not offered before their virus check, the longest waiting first."""
        return self.live().filter(scan_due_at__isnull=False).order_by("completed_at")

    def wanting_a_digest(self) -> "UploadQuerySet":
        """Uploads whose next attempt at a hash of their content is due, the longest waiting first.

        An image that is to be cleaned is not among them: its bytes will change.
        """
        return self.live().filter(digest_due_at__lte=Now(), cleaning_due_at__isnull=True).order_by("digest_due_at")

    def of_content(self, sha256: str) -> "UploadQuerySet":
        """Those whose bytes have this hash."""
        return self.exclude(sha256="").filter(sha256=sha256)

    def after_in_byte_order(self, last: str) -> "UploadQuerySet":
        """Those whose id comes after `last`, in the order in which storage lists their keys."""
        return self.alias(place=ByteOrder("pk")).filter(place__gt=last).order_by("place")

    def with_time_left(self) -> "UploadQuerySet":
        """Add `time_left`, a timedelta, as the database sees it now."""
        return self.annotate(time_left=time_left())  # type: ignore[no-redef]  # the model declares it, for its type

    def usage(self, *, most: int) -> tuple[int, int]:
        """How many they are and the sum of their declared sizes in bytes, over `most` of them at most.

        A caller that allows `most` uploads learns all that it needs, and a flood of rows costs it no more than that.
        """
        found = self.order_by()[:most].aggregate(count=models.Count("pk"), total=models.Sum("size"))
        return found["count"], found["total"] or 0


def _columns(model: "type[Upload]") -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _rows(model: "type[Upload]") -> Prepared:
    def of(pk: str) -> "models.QuerySet[Upload, Any]":
        by_id = model.objects.filter(pk=pk).with_time_left()
        return by_id.order_by().values_list(*_columns(model), "time_left")

    return Prepared(of, "the id")


def time_left() -> "models.ExpressionWrapper[CombinedExpression]":
    """How long it is until the row's deadline, by the database's clock."""
    return models.ExpressionWrapper(F("expires_at") - Now(), output_field=models.DurationField())


def age_of(column: str) -> "models.ExpressionWrapper[CombinedExpression]":
    """How long ago the time in this column was, by the database's clock."""
    return models.ExpressionWrapper(Now() - F(column), output_field=models.DurationField())


def _is_live() -> Q:
    return Q(state=State.READY, expires_at__gt=Now())


def _is_refused() -> Q:
    return Q(completed_at__gt=Now() - limits.lifetime) & ~Q(refusal="")
