"""The tables of reports and of blocks."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from ..uploads.ids import ID_LENGTH
from ..uploads.limits import DIGEST_LENGTH
from ..uploads.models import Upload

WORDS_LENGTH = 1000
NOTE_LENGTH = 200


class Reason(models.TextChoices):
    """The fault of an upload, in the eyes of the person who reports it."""

    MALWARE = "malware", gettext_lazy("Harmful software")
    FRAUD = "fraud", gettext_lazy("Fraud, or a fake login page")
    PERSON = "person", gettext_lazy("Shows or exposes a person against their will")
    CHILD = "child", gettext_lazy("Endangers a child")
    RIGHTS = "rights", gettext_lazy("Belongs to another person")
    OTHER = "other", gettext_lazy("Something else")


class Report(models.Model):
    """One person's report of one upload. It goes with the upload's receipt."""

    # A row may go at any moment, and no report keeps it.
    upload = models.ForeignKey(Upload, db_constraint=False, db_index=False, on_delete=models.DO_NOTHING)
    # The person: a keyed hash of address and upload, so that reports of different uploads cannot be connected.
    reporter = models.CharField(max_length=ID_LENGTH)
    reason = models.CharField(max_length=7, choices=Reason.choices)
    words = models.CharField(max_length=WORDS_LENGTH, blank=True)
    # For a block when the upload itself is gone: the hash of its content if that is known, and of its sender.
    sha256 = models.CharField(max_length=DIGEST_LENGTH, blank=True)
    sender = models.CharField(max_length=ID_LENGTH, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    # When the next attempt to mail it is due (null if none is), and how many have begun.
    mail_due_at = models.DateTimeField(null=True)
    mail_attempts = models.PositiveSmallIntegerField(db_default=0)

    class Meta:
        verbose_name = gettext_lazy("report")
        verbose_name_plural = gettext_lazy("reports")
        constraints = [models.UniqueConstraint(name="one_report_a_person", fields=["upload", "reporter"])]
        indexes = [
            models.Index(name="reports_came", fields=["created_at"]),
            models.Index(name="reports_to_mail", fields=["mail_due_at"], condition=Q(mail_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.upload_id[:8]}…"


class Sort(models.TextChoices):
    """The sort of thing that a block keeps out."""

    CONTENT = "content", gettext_lazy("content")
    SENDER = "sender", gettext_lazy("sender")
    NETWORK = "network", gettext_lazy("network")


class Block(models.Model):
    """The operator keeps something out, until an end or until the block is lifted."""

    sort = models.CharField(max_length=7, choices=Sort.choices)
    # The SHA-256 of content, the keyed hash of a sender's address as uploads have it, or a network.
    value = models.CharField(max_length=DIGEST_LENGTH)
    note = models.CharField(max_length=NOTE_LENGTH, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    ends_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = gettext_lazy("block")
        verbose_name_plural = gettext_lazy("blocks")
        constraints = [
            models.UniqueConstraint(name="one_block_a_value", fields=["sort", "value"]),
            models.CheckConstraint(
                name="only_content_is_blocked_for_good", condition=Q(sort="content") | Q(ends_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sort} {self.value}"
