"""The tables of the periodic work: when each process last ran, and the round of reconcile."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from .choices import Phase
from .queries import age_of


class Heartbeat(models.Model):
    """When a periodic process last ran, by the database's clock. The readiness page shows the age."""

    name = models.CharField(primary_key=True, max_length=20)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def record(name: str) -> datetime:
        """Note that `name` runs now, and return that time."""
        Heartbeat.objects.bulk_create(
            [Heartbeat(name=name, at=Now())], update_conflicts=True, unique_fields=["name"], update_fields=["at"]
        )
        return Heartbeat.objects.get(name=name).at

    @staticmethod
    def take_turn(name: str, *, every: timedelta) -> bool:
        """Whether `name` may run now. Each beat sends its messages, so several beats would make it run too often."""
        _, is_new = Heartbeat.objects.get_or_create(name=name, defaults={"at": Now()})
        # Two processes may come in the same moment: one changes the row, and the other then finds it too young.
        return is_new or bool(Heartbeat.objects.filter(name=name, at__lte=Now() - every).update(at=Now()))

    @staticmethod
    def ages() -> dict[str, float]:
        """Seconds since each name last ran."""
        return {name: age.total_seconds() for name, age in Heartbeat.objects.values_list("name", age_of("at"))}


class Round(models.Model):
    """A comparison of table and storage: how far it is, and what it has found. The table has one row, the latest round.

    `reconcile` takes it through all keys in slices.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    phase = models.CharField(max_length=8, choices=Phase.choices, default=Phase.COUNTING)
    # Which of the walks it is on (reconcile/walks.py), and the last key that it has compared there.
    walk = models.PositiveSmallIntegerField(default=0)
    cursor = models.TextField(blank=True)
    # Grows with each change. Two slices may compare the same keys; only one of them finds the step that it has read.
    step = models.BigIntegerField(default=0)
    began_at = models.DateTimeField(default=timezone.now)
    stepped_at = models.DateTimeField(default=timezone.now)
    why_stopped = models.TextField(blank=True)
    # Live rows, objects, and keys with an open transfer: how many were compared, how many of them match nothing on the
    # other side, and how many of those this round has removed.
    rows_compared = models.BigIntegerField(default=0)
    objects_compared = models.BigIntegerField(default=0)
    transfers_compared = models.BigIntegerField(default=0)
    rows_unmatched = models.BigIntegerField(default=0)
    objects_unmatched = models.BigIntegerField(default=0)
    transfers_unmatched = models.BigIntegerField(default=0)
    rows_removed = models.BigIntegerField(default=0)
    objects_removed = models.BigIntegerField(default=0)
    transfers_removed = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(name="one_round", condition=Q(id=1))]

    def __str__(self) -> str:
        """The counts, for a log."""
        return (
            f"{self.phase}: {self.rows_compared} rows, {self.objects_compared} objects and {self.transfers_compared}"
            f" transfers compared, {self.rows_unmatched} rows, {self.objects_unmatched} objects and"
            f" {self.transfers_unmatched} transfers unmatched, {self.removed} removed"
        )

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end, or was stopped."""
        return self.phase in (Phase.ENDED, Phase.STOPPED)

    @property
    def compared(self) -> int:
        """How many rows, objects and transfers it has counted."""
        return self.rows_compared + self.objects_compared + self.transfers_compared

    @property
    def unmatched(self) -> int:
        """How many of them match nothing on the other side."""
        return self.rows_unmatched + self.objects_unmatched + self.transfers_unmatched

    @property
    def removed(self) -> int:
        """How many of those it has removed."""
        return self.rows_removed + self.objects_removed + self.transfers_removed
