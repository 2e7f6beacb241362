"""The tables of uploads, and of the bytes of the whole site."""

from datetime import timedelta
from functools import cached_property

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from ..storage.keys import preview_key, upload_key
from . import periodic  # noqa: F401  Django looks for its tables here
from .bundle import Bundle
from .choices import End, Kind, State
from .codes import CODE_LENGTH
from .content import TEXT, is_previewed
from .errors import Gone
from .guarded import Guarded
from .ids import ID_LENGTH, new_id
from .limits import ASK_LENGTH, DIGEST_LENGTH, DIGESTED, FAILURE_LENGTH, NAME_LENGTH, TITLE_LENGTH, limits
from .order import ByteOrder
from .parts import Plan
from .queries import UploadQuerySet
from .refusals import in_words


class Upload(Guarded):
    """One image or one file. The `lifecycle` package alone changes its state."""

    id = models.CharField(primary_key=True, max_length=ID_LENGTH, default=new_id, editable=False)
    box = models.CharField(max_length=ID_LENGTH)
    # The sender, for the quota: a keyed hash, which distinguishes addresses without revealing them.
    address = models.CharField(max_length=ID_LENGTH, blank=True)
    # The token that began it, if that one may only send; see `visitors.tokens`.
    sender = models.CharField(max_length=ID_LENGTH, db_default="", blank=True)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    name = models.CharField(max_length=NAME_LENGTH)
    title = models.CharField(max_length=TITLE_LENGTH, blank=True)
    # The bundle that it is in.
    bundle = models.CharField(max_length=ID_LENGTH, null=True)  # noqa: DJ001  # the index leaves out those without one
    # Its words for another device. In plain text, because a row's id opens the upload as well. Null for an upload that
    # began before there were codes, or is gone.
    code = models.CharField(max_length=CODE_LENGTH, null=True)  # noqa: DJ001  # empty ones would not be unique
    content_type = models.CharField(max_length=30, blank=True)
    # The type that the first bytes prove, for icons and previews; often empty. No file is given out with it.
    proven_type = models.CharField(max_length=30, db_default="", blank=True)
    size = models.BigIntegerField()
    part_size = models.BigIntegerField()
    transfer_id = models.TextField(blank=True)
    # Which call began it, if that call named a key: `repeats.Ask`. Null without one: empty ones would not be unique.
    ask_key = models.CharField(max_length=ASK_LENGTH, null=True)  # noqa: DJ001
    ask_body = models.CharField(max_length=ASK_LENGTH, db_default="", blank=True)
    lifetime = models.DurationField()
    created_at = models.DateTimeField(db_default=Now())
    # The deadline: of the transfer while pending, of the upload once it is ready.
    expires_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    # While it is being removed: since when, and why storage could not be cleared of it at the last attempt.
    removing_since = models.DateTimeField(null=True)
    failure = models.CharField(max_length=FAILURE_LENGTH, db_default="", blank=True)
    removed_at = models.DateTimeField(null=True)
    # Why it was removed; empty while it is not, and for receipts that are older than this column.
    ended = models.CharField(max_length=8, choices=End.choices, db_default="", blank=True)
    # Why it was refused: a text that has translations, or one already in the client's language; see `why_refused`.
    refusal = models.TextField(blank=True)
    # When the next attempt at its preview is due (null if none is), and how many have begun.
    preview_due_at = models.DateTimeField(null=True)
    preview_attempts = models.PositiveSmallIntegerField(db_default=0)
    # Storage has a picture under `preview_key`, or the first lines of a text.
    has_preview = models.BooleanField(db_default=False)
    has_lines = models.BooleanField(db_default=False)
    # Its sender wants an image to stay as it is. Otherwise a worker removes what a camera wrote into it: when the next
    # attempt is due (null if none is), how many have begun, and when one found something to remove.
    keep_metadata = models.BooleanField(db_default=False)
    cleaning_due_at = models.DateTimeField(null=True)
    cleaning_attempts = models.PositiveSmallIntegerField(db_default=0)
    cleaned_at = models.DateTimeField(null=True)
    # The SHA-256 of its bytes, for the operator alone, once it is known; when the next attempt at it is due (null if
    # none is), and how many have begun.
    sha256 = models.CharField(max_length=DIGEST_LENGTH, db_default="", blank=True)
    digest_due_at = models.DateTimeField(null=True)
    digest_attempts = models.PositiveSmallIntegerField(db_default=0)
    # When the next attempt at its virus check is due (null if none is). Until it is null, nothing of it is offered.
    scan_due_at = models.DateTimeField(null=True)
    # How often others fetched its bytes, and when last; nothing about them.
    fetched_count = models.PositiveIntegerField(db_default=0)
    fetched_at = models.DateTimeField(null=True)

    # Only rows that `with_time_left` or `by_id` has read have it.
    time_left: timedelta

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
            models.CheckConstraint(name="gone_keeps_no_password", condition=~Q(state=State.GONE) | Q(password="")),
            models.CheckConstraint(
                name="takes_within_limit",
                condition=Q(downloads_most__isnull=True) | Q(downloads_taken__lte=F("downloads_most")),
            ),
            models.CheckConstraint(name="gone_keeps_no_code", condition=~Q(state=State.GONE) | Q(code__isnull=True)),
            models.CheckConstraint(name="gone_keeps_no_digest", condition=~Q(state=State.GONE) | Q(sha256="")),
            models.UniqueConstraint(name="code_is_unique", fields=["code"], condition=Q(code__isnull=False)),
            models.UniqueConstraint(name="one_for_an_ask", fields=["ask_key"], condition=Q(ask_key__isnull=False)),
        ]
        indexes = [
            # A box's lists, its newest images and its quota.
            models.Index(name="box_newest", fields=["box", "state", "kind", "-completed_at"]),
            # A bundle's uploads, and the newest of them, which stands for it in lists.
            models.Index(
                name="in_bundle", fields=["bundle", "state", "-completed_at"], condition=Q(bundle__isnull=False)
            ),
            models.Index(name="from_address", fields=["address", "state"]),
            # The sweep: due uploads, removals in progress, old receipts.
            models.Index(name="due", fields=["state", "expires_at"]),
            models.Index(name="removing", fields=["state", "id"]),
            models.Index(name="receipts", fields=["state", "removed_at"]),
            # Small ones, for rows that are few: removals that last, and refused uploads that were never ready.
            models.Index(name="stuck", fields=["removing_since"], condition=Q(state=State.REMOVING)),
            models.Index(
                name="refused",
                fields=["removed_at"],
                condition=Q(completed_at__isnull=True, removed_at__isnull=False),
            ),
            # The previews: which images wait for one.
            models.Index(name="previews", fields=["preview_due_at"], condition=Q(preview_due_at__isnull=False)),
            # The images that are not offered yet, because they may tell where they were taken.
            models.Index(name="cleaning", fields=["cleaning_due_at"], condition=Q(cleaning_due_at__isnull=False)),
            # The virus check: which uploads wait for it.
            models.Index(name="scans", fields=["scan_due_at"], condition=Q(scan_due_at__isnull=False)),
            # The hashes: which uploads wait for one, and which have the same.
            models.Index(name="digests", fields=["digest_due_at"], condition=Q(digest_due_at__isnull=False)),
            models.Index(name="same_content", fields=["sha256"], condition=~Q(sha256="")),
            # Reconcile: live uploads in the order in which storage lists their keys. `expires_at` is in the index, so
            # that a page of a thousand ids does not touch a thousand pages of the table.
            models.Index(ByteOrder("id"), name="in_byte_order", condition=Q(state=State.READY), include=["expires_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def reload(self) -> None:
        """Read the row again, with its `time_left`. Raises Gone: it was removed before it was ready."""
        now = Upload.objects.by_id(self.pk)
        if now is None:
            raise Gone
        vars(self).update(vars(now))

    @property
    def is_pending(self) -> bool:
        """Whether it was begun, and not past the deadline of its transfer, when it was read with its `time_left`."""
        return self.state == State.PENDING and self.time_left > timedelta(0)

    @property
    def is_live(self) -> bool:
        """Whether it was offered to people when it was read with its `time_left`."""
        return self.state == State.READY and self.time_left > timedelta(0)

    @cached_property
    def guard(self) -> Guarded:
        """The row whose password and limit protect it: that of its bundle if it is in one. Raises Gone."""
        if self.bundle is None:
            return self
        bundle = Bundle.objects.filter(pk=self.bundle).first()
        if bundle is None:
            raise Gone
        return bundle

    @property
    def key(self) -> str:
        """The key of its bytes in storage."""
        return upload_key(self.id)

    @property
    def preview_key(self) -> str:
        """The key of its preview: a picture, or the first lines of a text."""
        return preview_key(self.id)

    @property
    def keys(self) -> list[str]:
        """Every key under which storage may have something of it."""
        return [self.key, self.preview_key] if self.may_have_preview else [self.key]

    @property
    def may_have_preview(self) -> bool:
        """Whether storage may have a preview of it: only uploads that were ready have one."""
        return self.completed_at is not None and self.wants_preview

    @property
    def wants_preview(self) -> bool:
        """Whether a preview of it is attempted: of every image, and of a file if its first bytes prove a fit type."""
        return self.kind == Kind.IMAGE or is_previewed(self.proven_type, self.size)

    @property
    def waits_for_scan(self) -> bool:
        """Whether it is not offered yet, because the virus check has not seen it."""
        return limits.scans and self.scan_due_at is not None

    @property
    def wants_digest(self) -> bool:
        """Whether its bytes are hashed."""
        return self.size <= DIGESTED

    @property
    def has_picture(self) -> bool:
        """Whether it has a picture in its owner's list, or one is being made."""
        return self.kind == Kind.IMAGE or self.has_preview or (self.preview_due_at is not None and not self.is_text)

    @property
    def metadata(self) -> str | None:
        """The fate of an image's metadata: `kept`, `cleaning` or `cleaned`; None if it had none, or is a file."""
        if self.kind != Kind.IMAGE:
            return None
        if self.keep_metadata:
            return "kept"
        if self.cleaning_due_at is not None:
            return "cleaning"
        return "cleaned" if self.cleaned_at is not None else None

    @property
    def may_have_transfer(self) -> bool:
        """Whether storage may have an open transfer of it: its sender's, or that of its cleaned bytes."""
        return self.completed_at is None or self.cleaning_due_at is not None

    @property
    def is_text(self) -> bool:
        """Whether its preview is its first lines."""
        return self.proven_type == TEXT

    @property
    def why_refused(self) -> str:
        """Why it was refused, in the active language; empty if it was not."""
        return in_words(self.refusal)

    @property
    def plan(self) -> Plan:
        """How its bytes are cut into parts."""
        return Plan(self.size, self.part_size)


class SiteUse(models.Model):
    """How many bytes all uploads may have together: one row, kept only while the site has a quota.

    Begins add to it and removals do not subtract, so it is never too small; `room` counts anew from time to time.
    """

    bytes = models.BigIntegerField()
    counted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.bytes} bytes"
