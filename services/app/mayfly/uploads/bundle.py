"""The row of a bundle: several uploads under one link. `Upload.bundle` holds its id."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from .choices import End
from .guarded import Guarded
from .ids import ID_LENGTH, new_id
from .limits import TITLE_LENGTH
from .queries import time_left


class BundleQuerySet(models.QuerySet["Bundle"]):
    def of(self, box: str) -> "BundleQuerySet":
        """The bundles of one box."""
        return self.filter(box=box)

    def standing(self) -> "BundleQuerySet":
        """Neither removed nor past their deadline."""
        return self.filter(ended="", expires_at__gt=Now())

    def open(self) -> "BundleQuerySet":
        """Those that take more uploads."""
        return self.standing().filter(completed_at__isnull=True)

    def with_time_left(self) -> "BundleQuerySet":
        """Add `time_left`, a timedelta, as the database sees it now."""
        return self.annotate(time_left=time_left())  # type: ignore[no-redef]  # the model declares it

    def due_for_a_look(self) -> "BundleQuerySet":
        """Those that the sweep has to look at, the longest overdue first."""
        return self.filter(look_at__lte=Now()).order_by("look_at")


class Bundle(Guarded):
    """Several uploads under one link. The `lifecycle` package alone changes it.

    It has no bytes of its own, and lives as long as one of its uploads is live: they have the same deadline.
    """

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id, editable=False)
    box = models.CharField(max_length=ID_LENGTH)
    # The sender, for the limit on open bundles: as an upload has it.
    address = models.CharField(max_length=ID_LENGTH, blank=True)
    title = models.CharField(max_length=TITLE_LENGTH, blank=True)
    lifetime = models.DurationField()
    created_at = models.DateTimeField(db_default=Now())
    # When it was closed: it takes no upload after that.
    completed_at = models.DateTimeField(null=True)
    # While it is open, the time at which it takes no more uploads; then the deadline of all its uploads.
    expires_at = models.DateTimeField()
    # Why it was removed as a whole; empty while it was not.
    ended = models.CharField(max_length=8, choices=End.choices, db_default="", blank=True)
    # When the sweep looks at it next: whether it still has uploads, or receipts of them.
    look_at = models.DateTimeField()

    # Only rows that `with_time_left` has read have it.
    time_left: timedelta

    objects = BundleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bundle_takes_within_limit",
                condition=Q(downloads_most__isnull=True) | Q(downloads_taken__lte=F("downloads_most")),
            ),
        ]
        indexes = [
            models.Index(name="bundles_of_box", fields=["box", "ended", "expires_at"]),
            # Those that are open, for the limit on how many of them an address has.
            models.Index(name="open_from", fields=["address", "expires_at"], condition=Q(completed_at__isnull=True)),
            models.Index(name="bundles_to_look_at", fields=["look_at"]),
        ]

    def __str__(self) -> str:
        return f"bundle {self.id}"

    @property
    def is_open(self) -> bool:
        """Whether it was not closed yet. Past its deadline it takes no upload all the same."""
        return self.completed_at is None
