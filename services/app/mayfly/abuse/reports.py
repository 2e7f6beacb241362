"""Reports of uploads: taken down in the table, and purged with the receipts."""

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ..uploads.errors import NotAllowed
from ..uploads.limits import limits
from ..uploads.locks import transaction_lock
from ..uploads.models import Upload
from ..uploads.visible import visible
from .models import WORDS_LENGTH, Reason, Report

# The most reports of one upload that are kept. The operator needs no more of them to look at it.
MOST_OF_ONE = 20
PURGED = 1000  # rows that one call deletes at most


def report(upload: Upload, *, reason: str, words: str, reporter: str) -> bool:
    """Keep a report of this upload. False if this reporter has reported it before, or if there are enough reports.

    Raises:
        NotAllowed: the reason is none of ours, or the words are too long.
    """
    if reason not in Reason.values:
        raise NotAllowed("reason", _("Choose one of the reasons."), field="reason")
    words = clean_words(words)
    with transaction.atomic(durable=True):
        transaction_lock(f"reports of {upload.pk}")
        earlier = set(Report.objects.filter(upload=upload).values_list("reporter", flat=True))
        if reporter in earlier or len(earlier) >= MOST_OF_ONE:
            return False
        Report.objects.create(
            upload=upload,
            reason=reason,
            words=words,
            reporter=reporter,
            sha256=upload.sha256,
            sender=upload.address,
            mail_due_at=Now(),
        )
    return True


def note_digest(upload: Upload) -> None:
    """Copy the hash of the upload's content, which is known only now, into the reports of it."""
    Report.objects.filter(upload=upload).update(sha256=upload.sha256)


def clean_words(words: str) -> str:
    """The words of a report, cleaned line by line as names are. Raises NotAllowed beyond WORDS_LENGTH characters."""
    words = "\n".join(visible(line) for line in words.strip().splitlines())
    if len(words) > WORDS_LENGTH:
        raise NotAllowed("words", _("Write at most %d characters.") % WORDS_LENGTH, field="words")
    return words


def purge() -> int:
    """Delete old reports whose upload has no row any more, not even a receipt. Returns how many."""
    row = Upload.objects.filter(pk=OuterRef("upload_id"))
    old = Report.objects.filter(~Exists(row), created_at__lt=Now() - limits.receipt_time).order_by("created_at")
    return Report.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:PURGED])).delete()[0]
