"""The ties between an upload and its bundle; `mayfly.bundles` has the life of the bundle itself.

The rows of uploads are locked before that of their bundle, so that no two transactions wait for each other. A begin
locks the bundle first, and skips the uploads that others hold.
"""

from collections.abc import Collection
from datetime import timedelta
from time import monotonic

from django.db import transaction
from django.db.models import Case, Count, F, Q, When
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ..bundle import Bundle
from ..choices import End, State
from ..errors import NotAllowed
from ..limits import BUNDLE_UPLOADS
from ..models import Upload
from ..queries import UploadQuerySet
from .deadline import FIRST

# How long what is ready in an open bundle waits for the rest, after the last sign of its sender.
WAIT = FIRST
# How often the sweep looks at a bundle that is open or being removed, and at one of which only receipts are left.
LOOK_AGAIN, LOOK_AT_RECEIPTS = timedelta(minutes=1), timedelta(hours=1)
# How many bundles the sweep looks at together: each has up to as many uploads as its box may have.
LOOKED_AT = 50


def join(bundle_id: str, *, box: str) -> Bundle:
    """The open bundle that a new upload joins. Call it under the box's lock, in the transaction that adds the upload.

    Raises NotAllowed: the box has no open bundle of this id, or it is full.
    """
    bundle = Bundle.objects.open().of(box).select_for_update().filter(pk=bundle_id).first()
    if bundle is None or bundle.is_taken:
        message = _("No bundle of this id takes uploads. It is complete, has expired, was deleted, or is not yours.")
        raise NotAllowed("bundle_closed", message, field="bundle")
    if Upload.objects.standing().filter(bundle=bundle_id)[:BUNDLE_UPLOADS].count() >= BUNDLE_UPLOADS:
        message = _("A bundle has at most %(limit)d uploads. Begin another.")
        raise NotAllowed("bundle_full", message % {"limit": BUNDLE_UPLOADS}, field="bundle")
    hold(bundle.pk)
    return bundle


def hold(bundle_id: str) -> None:
    """Let what is ready in an open bundle live for its lifetime from now on, or for WAIT if that is longer.

    Its uploads wait for each other, since a large one may take longer than the lifetime that all get in the end.
    """
    with transaction.atomic():
        bundle = Bundle.objects.open().filter(pk=bundle_id).first()
        if bundle is None or bundle.is_taken:
            return
        deadline = Now() + max(bundle.lifetime, WAIT)
        early = Upload.objects.live().filter(bundle=bundle_id, expires_at__lt=deadline - LOOK_AGAIN).order_by("pk")
        waiting = list(early.select_for_update(skip_locked=True).values_list("pk", flat=True))
        Upload.objects.filter(pk__in=waiting).update(expires_at=deadline)


def bundles_of(uploads: UploadQuerySet) -> list[str | None]:
    """The ids of the bundles that have a standing one of these uploads."""
    together = uploads.standing().filter(bundle__isnull=False).order_by()
    return list(together.values_list("bundle", flat=True).distinct())


def end_bundles(ids: Collection[str | None], end: End) -> None:
    """Note that these bundles were removed as a whole, so that they take no more uploads."""
    if ids:
        Bundle.objects.standing().filter(pk__in=ids).update(ended=end, look_at=Now())


def look_soon(ids: Collection[str]) -> None:
    """Let the next sweep look at these bundles, because an upload of theirs is being removed."""
    if ids:
        with transaction.atomic():
            bundles = Bundle.objects.filter(pk__in=ids, look_at__gt=Now()).select_for_update().order_by("pk")
            Bundle.objects.filter(pk__in=list(bundles.values_list("pk", flat=True))).update(look_at=Now())


def look_after_bundles(until: float) -> None:
    """Delete the rows of bundles of which nothing is left, and the titles of those that have receipts alone.

    At least one batch, and more as long as there is time. May run several times at once.
    """
    while _look() == LOOKED_AT and monotonic() < until:
        pass


def _look() -> int:
    with transaction.atomic():
        due = Bundle.objects.due_for_a_look().select_for_update(skip_locked=True)
        ids = list(due.values_list("pk", flat=True)[:LOOKED_AT])
        if not ids:
            return 0
        uploads = Upload.objects.filter(bundle__in=ids).order_by().values("bundle")
        stored = Count("pk", filter=~Q(state=State.GONE))
        left = dict(uploads.annotate(stored=stored).values_list("bundle", "stored"))
        Bundle.objects.filter(pk__in=[pk for pk in ids if pk not in left]).delete()
        receipts = [pk for pk, count in left.items() if not count]
        Bundle.objects.filter(pk__in=receipts).update(
            title="", address="", password="", look_at=Now() + LOOK_AT_RECEIPTS
        )
        is_quiet = Q(completed_at__isnull=False, ended="", expires_at__gt=Now() + LOOK_AGAIN)
        Bundle.objects.filter(pk__in=[pk for pk, count in left.items() if count]).update(
            look_at=Case(When(is_quiet, then=F("expires_at")), default=Now() + LOOK_AGAIN)
        )
    return len(ids)
