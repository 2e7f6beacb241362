"""The Celery tasks about reports and blocks. Any number may run at once, and any message may be lost."""

from datetime import timedelta

from celery import shared_task

from ..storage.default import uploads_storage
from ..uploads.periodic import Heartbeat
from . import blocks, digests, mailing, reports, scans

# One mail a minute, however many beats there are. A message may come a little earlier than the one before it did.
MAIL_EVERY = timedelta(seconds=55)


@shared_task(name="abuse.tasks.reports", soft_time_limit=20, time_limit=25)
def mail_reports() -> str:
    """Mail new reports to the operator, and delete old ones and blocks that have ended. May be repeated."""
    purged = reports.purge() + blocks.purge()
    mailed = mailing.mail_due() if Heartbeat.take_turn("mail", every=MAIL_EVERY) else 0
    return f"{mailed} reports mailed, {purged} rows purged"


@shared_task(name="abuse.tasks.digests", soft_time_limit=20, time_limit=25)
def digest_contents() -> str:
    """Hash the contents that wait for it, and remove those that are blocked. May be repeated."""
    return f"{digests.digest_due(storage=uploads_storage)} contents hashed"


@shared_task(name="abuse.tasks.scans", soft_time_limit=20, time_limit=25)
def scan_uploads() -> str:
    """Let the virus check see the uploads that wait for it. May be repeated."""
    return f"{scans.scan_due(storage=uploads_storage)} uploads checked"
