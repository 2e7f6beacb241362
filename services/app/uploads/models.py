"""The tables: uploads with their states and queries, and when the periodic work last ran."""

import secrets
import string
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from django.db import Error, connection, models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext

from . import policy
from .policy import NAME_LENGTH, TITLE_LENGTH, Kind, Plan

ID_LENGTH = 22
_ALPHABET = string.ascii_letters + string.digits


def new_id() -> str:
    """22 letters and digits: 131 random bits, so that nobody guesses or counts ids."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH))


def lock(name: str) -> None:
    """Until the end of this transaction, no other one that asks for the lock of this box or address goes on.

    What is counted over one of them (its newest images, its bytes) is exact only under it. Who takes both takes
    the box's first. On SQLite a transaction is alone from its start (settings: IMMEDIATE): nothing is left to do.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Nobody else is in a block of this name meanwhile; unlike `lock`, outside of any transaction, for slow work.

    Postgres lets go of it when the connection ends, so a process that dies holds nobody up. SQLite has no such
    lock, and needs none: what is slow there is the local folder, which excludes by itself.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 1))", [name])
    try:
        yield
    finally:
        with suppress(Error), connection.cursor() as cursor:  # a lost connection has let go already
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 1))", [name])


class State(models.TextChoices):
    PENDING = "pending"
    READY = "ready"
    REMOVING = "removing"
    GONE = "gone"


STANDING = (State.PENDING, State.READY)


class UploadQuerySet(models.QuerySet["Upload"]):
    """Every question asked of the table. Times are compared by the database's clock alone."""

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
        return self.filter(state=State.READY, expires_at__gt=Now()).order_by("-completed_at", "-pk")

    def standing(self) -> "UploadQuerySet":
        """Pending or ready, in time or not: what a removal begins with, and what counts towards the quota."""
        return self.filter(state__in=STANDING)

    def due(self) -> "UploadQuerySet":
        """Standing, though their time has come."""
        return self.standing().filter(expires_at__lte=Now())

    def removing(self) -> "UploadQuerySet":
        """On their way out: some of their bytes may still exist."""
        return self.filter(state=State.REMOVING)

    def gone(self) -> "UploadQuerySet":
        """Receipts: storage has none of their bytes any more."""
        return self.filter(state=State.GONE)

    def refused(self) -> "UploadQuerySet":
        """Complete a short while ago, and then found to be no image that we can show: their owners have to be told."""
        lately = Now() - policy.limits.lifetime
        return self.filter(completed_at__gt=lately).exclude(refusal="").order_by("-completed_at", "-pk")

    def wanting_a_preview(self) -> "UploadQuerySet":
        """Images whose next attempt at a preview is due, the longest waiting first."""
        return self.live().filter(preview_due_at__lte=Now()).order_by("preview_due_at")

    def with_time_left(self) -> "UploadQuerySet":
        """Adds `time_left`, a timedelta, as the database sees it now."""
        return self.annotate(
            time_left=models.ExpressionWrapper(F("expires_at") - Now(), output_field=models.DurationField())
        )

    def bytes(self) -> int:
        """The declared bytes of all of them together."""
        return self.aggregate(total=models.Sum("size"))["total"] or 0


class Upload(models.Model):
    """One image or one file. `lifecycle.py` alone changes its state."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id, editable=False)
    box = models.CharField(max_length=ID_LENGTH)
    # Who sent it, for the quota: a keyed hash that tells two addresses apart and neither of them.
    address = models.CharField(max_length=ID_LENGTH, blank=True)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    name = models.CharField(max_length=NAME_LENGTH)
    title = models.CharField(max_length=TITLE_LENGTH, blank=True)
    content_type = models.CharField(max_length=30, blank=True)
    size = models.BigIntegerField()
    part_size = models.BigIntegerField()
    transfer_id = models.TextField(blank=True)
    lifetime = models.DurationField()
    created_at = models.DateTimeField(db_default=Now())
    # The deadline: of the transfer while pending, of the upload once it is ready.
    expires_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    # Why it was refused: a text that has its translations, or one that was made for whoever asked; see `why_refused`.
    refusal = models.TextField(blank=True)
    # Of an image: when the next attempt at its preview is due, null where none is; and how many have begun.
    preview_due_at = models.DateTimeField(null=True)
    preview_attempts = models.PositiveSmallIntegerField(db_default=0)
    has_preview = models.BooleanField(db_default=False)

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="kind_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="sizes_positive", condition=Q(size__gte=1, part_size__gte=1)),
            models.CheckConstraint(
                name="ready_is_complete", condition=~Q(state=State.READY) | Q(completed_at__isnull=False)
            ),
            models.CheckConstraint(
                name="pending_is_not_complete", condition=~Q(state=State.PENDING) | Q(completed_at__isnull=True)
            ),
            models.CheckConstraint(
                name="gone_keeps_no_name",
                condition=~Q(state=State.GONE) | Q(removed_at__isnull=False, name="", title="", address=""),
            ),
        ]
        indexes = [
            # A box's lists, its newest images and its quota.
            models.Index(name="box_newest", fields=["box", "state", "kind", "-completed_at"]),
            models.Index(name="from_address", fields=["address", "state"]),
            # The sweep: what is due, what is on its way out, which receipts are old.
            models.Index(name="due", fields=["state", "expires_at"]),
            models.Index(name="removing", fields=["state", "id"]),
            models.Index(name="receipts", fields=["state", "removed_at"]),
            # The previews: what waits for one.
            models.Index(name="previews", fields=["preview_due_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def key(self) -> str:
        """Where its bytes lie in storage."""
        return f"uploads/{self.id}"

    @property
    def preview_key(self) -> str:
        """Where its preview lies, if it is an image."""
        return f"previews/{self.id}.webp"

    @property
    def keys(self) -> list[str]:
        """Every key under which something of it may lie."""
        return [self.key, self.preview_key] if self.kind == Kind.IMAGE and self.completed_at else [self.key]

    @property
    def why_refused(self) -> str:
        """What to tell its owner, in the language of whoever asks; empty where it was not refused."""
        return gettext(self.refusal) % {"megapixels": policy.limits.image_megapixels} if self.refusal else ""

    @property
    def plan(self) -> Plan:
        """How its bytes are cut into parts."""
        return Plan(self.size, self.part_size)


class Heartbeat(models.Model):
    """When a periodic process last showed itself, by the database's clock; the readiness page tells the age."""

    name = models.CharField(primary_key=True, max_length=20)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def record(cls, name: str) -> datetime:
        """Note that `name` runs just now, and return when that is."""
        cls.objects.bulk_create(
            [cls(name=name, at=Now())], update_conflicts=True, unique_fields=["name"], update_fields=["at"]
        )
        return cls.objects.get(name=name).at

    @classmethod
    def ages(cls) -> dict[str, float]:
        """Seconds since each name last ran."""
        age = models.ExpressionWrapper(Now() - F("at"), output_field=models.DurationField())
        return {name: age.total_seconds() for name, age in cls.objects.values_list("name", age)}
