"""Whether there is room for one more upload: in its box, from its address, and on the whole site."""

from datetime import timedelta

from django.db import transaction
from django.db.models import DurationField, ExpressionWrapper, F, Sum
from django.db.models.functions import Now

from ..limits import limits
from ..locks import transaction_lock
from ..models import SiteUse, Upload
from ..rules import check_address_room, check_box_room, check_site_room

# Count all bytes anew after this time, and before a refusal after the shorter one. With a million rows a count takes
# some tenths of a second, so no flood may ask for one each time.
RECOUNT = timedelta(minutes=1)
RECOUNT_IF_FULL = timedelta(seconds=1)
_SITE = "site"  # the name of the lock; the names of boxes and addresses are longer


def check_room(*, box: str, address: str, size: int) -> None:
    """Raise NotAllowed if an upload of `size` bytes is too much for its box, its address, or the site.

    Call it in the transaction that creates the row: the locks that make the counts exact last until its end.
    """
    transaction_lock(box)
    check_box_room(*Upload.objects.of(box).standing().usage(most=limits.box_uploads), size)
    if address:
        transaction_lock(address)
        check_address_room(*Upload.objects.sent_from(address).standing().usage(most=limits.address_uploads), size)
    if limits.site_quota:
        transaction_lock(_SITE)
        check_site_room(SiteUse.objects.get().bytes, size)
        SiteUse.objects.update(bytes=F("bytes") + size)


def count_site(size: int) -> None:
    """Count the bytes of the whole site if it has a quota, and the last count is old or leaves no room for `size`.

    Call it before `check_room`, in no transaction: a count that leads to a refusal is kept, so that the next refusal
    need not count again.
    """
    if not limits.site_quota:
        return
    with transaction.atomic(durable=True):
        transaction_lock(_SITE)
        age = ExpressionWrapper(Now() - F("counted_at"), output_field=DurationField())
        kept = SiteUse.objects.annotate(age=age).first()
        if kept is not None:
            full = kept.bytes + size > limits.site_quota
            if kept.age < (RECOUNT_IF_FULL if full else RECOUNT):
                return
        total = Upload.objects.stored().aggregate(total=Sum("size"))["total"] or 0
        SiteUse.objects.update_or_create(pk=1, defaults={"bytes": total, "counted_at": Now()})
