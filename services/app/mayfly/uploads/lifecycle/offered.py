"""The moment from which an upload is offered: it is complete, clean, and has passed the virus check."""

from .. import events
from ..limits import limits
from ..models import Upload


def tell_if_offered(upload: Upload) -> None:
    """Send `turned_ready` if nothing keeps this live upload from being offered any more.

    Call it once whatever kept it is over, within the transaction that says so.
    """
    if not events.turned_ready.has_listeners(Upload):
        return
    offered = Upload.objects.live().filter(pk=upload.pk, cleaning_due_at__isnull=True)
    if limits.scans:
        offered = offered.filter(scan_due_at__isnull=True)
    uploads = list(offered)
    if uploads:
        events.turned_ready.send_robust(sender=Upload, uploads=uploads)
