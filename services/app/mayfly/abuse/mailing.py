"""Mail to the operator about new reports, sent by the periodic work and never by a request."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse

from .models import Reason, Report

logger = logging.getLogger(__name__)

# One mail has at most so many reports, and a call sends one mail. So a flood of reports is no flood of mail.
MOST_IN_A_MAIL = 50
# A mail server that is away for a morning loses nothing: an attempt each ten minutes for six hours.
PAUSE = timedelta(minutes=10)
MOST_ATTEMPTS = 36


def mail_due() -> int:
    """Send one mail with the reports that wait for it, if mail is configured. Returns how many it had.

    Safe to run twice at once: each report is claimed before it is sent. A process that dies in between sends it again.
    """
    if not settings.EMAIL_URL:
        return 0
    reports = _claim()
    if not reports:
        return 0
    claimed = Report.objects.filter(pk__in=[report.pk for report in reports])
    try:
        _mail(reports).send()
    except (OSError, SMTPException) as error:
        given_up = claimed.filter(mail_attempts__gte=MOST_ATTEMPTS).update(mail_due_at=None)
        logger.warning("%d reports are not mailed, and %d never will be: %s", len(reports), given_up, error)
        return 0
    claimed.update(mail_due_at=None)
    return len(reports)


def _claim() -> list[Report]:
    with transaction.atomic(durable=True):
        due = Report.objects.filter(mail_due_at__lte=Now()).select_for_update(skip_locked=True).order_by("mail_due_at")
        reports = list(due[:MOST_IN_A_MAIL])
        claimed = Report.objects.filter(pk__in=[report.pk for report in reports])
        claimed.update(mail_due_at=Now() + PAUSE, mail_attempts=F("mail_attempts") + 1)
    return reports


def _mail(reports: Sequence[Report]) -> EmailMessage:
    """In English, because nothing says which language an operator reads. It has no name of a file: mail is kept."""
    number = f"{len(reports)} reports" if len(reports) > 1 else "a report"
    words = "\n\n".join(_paragraph(report) for report in reports)
    list_of_all = (
        f"\n\nAll reports: {settings.SITE_URL}{reverse('admin:abuse_report_changelist')}" if settings.ADMIN else ""
    )
    return EmailMessage(
        f"Mayfly: {number}", words + list_of_all + "\n", settings.DEFAULT_FROM_EMAIL, [settings.ABUSE_MAIL]
    )


def _paragraph(report: Report) -> str:
    link = f"{settings.SITE_URL}{reverse('share', args=[report.upload_id])}"
    head = f"{Reason(report.reason).label}, {report.created_at:%Y-%m-%d %H:%M} UTC\n{link}"
    return "\n".join([head, *(f"> {line}" for line in report.words.splitlines())])
