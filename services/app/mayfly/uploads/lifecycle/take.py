"""The download of an upload that has a limit: it counts, and the last one ends the upload."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least, Now

from ..bundle import Bundle
from ..choices import End
from ..errors import Gone
from ..guarded import Guarded
from ..limits import DOWNLOAD_URL_LIFETIME
from ..models import Upload


def take(guard: Guarded, *, leaving: timedelta = DOWNLOAD_URL_LIFETIME) -> None:
    """Take one of the downloads that the limit allows. Raises Gone if all are taken, or none of the uploads is live.

    The last one leaves the uploads so much time, in which the bytes may still be fetched by signed URLs. The
    counter's row stays locked until that is committed, so no other caller sees the last one taken and the uploads kept.
    """
    covered = {"bundle": guard.pk} if isinstance(guard, Bundle) else {"pk": guard.pk}
    uploads = Upload.objects.filter(**covered)
    with transaction.atomic(durable=True):
        # Uploads are locked before the row that counts for them, as everywhere, so that no two callers wait for each
        # other; and in the order of ids.
        live = uploads.live().order_by("pk").select_for_update()
        ids = list(live.values_list("pk", flat=True))
        if not ids or not guard.take_one():
            raise Gone
        if guard.is_taken:
            deadline = Least(F("expires_at"), Now() + leaving)
            uploads.filter(pk__in=ids).update(expires_at=deadline, ended=End.TAKEN)
            if isinstance(guard, Bundle):
                Bundle.objects.filter(pk=guard.pk).update(expires_at=deadline, look_at=deadline)
