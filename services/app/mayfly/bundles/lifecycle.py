"""The life of a bundle: it begins empty, is completed, changed and removed, and so are its uploads, as one.

    open → complete → ended or expired → (row purged, with the last receipt of its uploads)

A bundle has no bytes and no sweep of its own. If a sender goes away before `complete`, its uploads expire in their own
time, as those without a bundle do. `uploads.lifecycle` has what happens to each of them.
"""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q, Subquery
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ..storage.protocol import UploadStorage
from ..uploads.bundle import Bundle, BundleQuerySet
from ..uploads.choices import End, State
from ..uploads.errors import Gone, NotAllowed
from ..uploads.guarded import OPEN, Protection
from ..uploads.ids import new_id
from ..uploads.lifecycle import STEP, WAIT, end_bundles, erase_now, mark
from ..uploads.limits import DOWNLOAD_URL_LIFETIME, limits
from ..uploads.locks import transaction_lock
from ..uploads.models import Upload
from ..uploads.queries import UploadQuerySet
from ..uploads.repeats import Ask
from ..uploads.rules import check_lifetime, clean_title


def begin(
    *,
    box: str,
    address: str = "",
    title: str = "",
    lifetime: timedelta | None = None,
    protection: Protection = OPEN,
    uploads: Collection[str] = (),
    ask: Ask | None = None,
) -> Bundle:
    """Begin a bundle, which takes uploads for `transfer_time` at most, until it is completed.

    `uploads` are pending ones of the same box, without protection, that join it at once. If no upload joins it within
    WAIT, it is gone again. The same `ask` of the same box gives the same bundle again.

    Raises:
        Gone: the bundle of this ask was removed or has expired.
        NotAllowed: a rule forbids it, or the box or the address has as many open bundles as it may have uploads.
    """
    lifetime = limits.lifetime if lifetime is None else lifetime
    check_lifetime(lifetime)
    title = clean_title(title)
    with transaction.atomic(durable=True):
        transaction_lock(box)
        if ask and (found := Bundle.objects.of(box).filter(pk=ask.id).first()):
            if not Bundle.objects.standing().filter(pk=found.pk).exists():
                raise Gone
            return found
        _check_room(Bundle.objects.of(box), limits.box_uploads)
        if address:
            transaction_lock(address)
            _check_room(Bundle.objects.filter(address=address), limits.address_uploads)
        bundle = Bundle.objects.create(
            pk=ask.id if ask else new_id(),
            box=box,
            address=address,
            title=title,
            lifetime=lifetime,
            expires_at=Now() + limits.transfer_time,
            look_at=Now() + WAIT,
            password=protection.password,
            downloads_most=protection.downloads,
        )
        joining = Upload.objects.of(box).pending().filter(pk__in=uploads)
        joining.update(bundle=bundle.pk, lifetime=bundle.lifetime)
    return _again(bundle)


def complete(bundle: Bundle, *, storage: UploadStorage) -> Bundle:
    """Close a bundle: all its ready uploads get one deadline, its lifetime from now. Safe to repeat.

    An upload that is not ready by then is removed, because nothing may change behind a link that was passed on.

    Raises:
        NotAllowed: none of its uploads is ready.
        Gone: it was removed, has expired, or was open for too long; or others took all its downloads meanwhile.
    """
    left_out: list[str] = []
    with transaction.atomic(durable=True):
        transaction_lock(bundle.box)
        ready = _locked(live_in(bundle))
        found = Bundle.objects.standing().filter(pk=bundle.pk).first()
        if found is None or not (found.is_open or ready) or (found.is_open and found.is_taken):
            raise Gone
        if found.is_open:
            if not ready:
                raise NotAllowed("bundle_empty", _("Nothing in this bundle has arrived yet."))
            left_out = mark(Upload.objects.filter(bundle=bundle.pk, state=State.PENDING), end=End.OWNER)
            deadline = Now() + found.lifetime
            Bundle.objects.filter(pk=bundle.pk).update(completed_at=Now(), expires_at=deadline, look_at=deadline)
            _share_deadline(bundle, ready)
    erase_now(left_out, storage)
    return _again(bundle)


def change(
    bundle: Bundle,
    *,
    title: str | None = None,
    lifetime: timedelta | None = None,
    password: str | None = None,
    downloads: int | None = None,
) -> Bundle:
    """Change the title, the lifetime or the protection of a bundle, and return it as it is then.

    None leaves a value as it is; an empty password and a limit of 0 downloads remove what there was.

    An open one gets the lifetime once it is complete. All uploads of a complete one expire so long after that, in place
    of their deadline until now; an earlier deadline is at least DOWNLOAD_URL_LIFETIME away.

    Raises:
        NotAllowed: the title is too long, or the lifetime is below a second, above the longest, or over; the password
            is too long, or others have taken as many downloads already.
        Hashing: too many passwords are being hashed.
        Gone: it was removed or has expired, or its last download was taken.
    """
    changes = Protection.changed(password=password, downloads=downloads)
    if title is not None:
        changes["title"] = clean_title(title)
    if lifetime is not None:
        check_lifetime(lifetime)
    with transaction.atomic(durable=True):
        transaction_lock(bundle.box)
        ready = _locked(live_in(bundle))
        same = Bundle.objects.standing().filter(pk=bundle.pk)
        found = same.select_for_update().first()
        if found is None or found.is_taken or not (found.is_open or ready):
            raise Gone
        if downloads and found.downloads_taken >= downloads:
            raise NotAllowed("downloads", _("Others have taken as many downloads already."), field="downloads")
        if changes:
            same.update(**changes)
        if lifetime is not None and found.is_open:
            same.update(lifetime=lifetime)
        elif lifetime is not None and not _move(same, ready, lifetime):
            message = _("That time is over, or will be within a minute. Delete the bundle instead.")
            raise NotAllowed("lifetime", message, field="lifetime")
    return _again(bundle)


def keep(bundle: Bundle) -> bool:
    """Keep a complete bundle STEP longer, or as much of it as the longest lifetime allows, with all its uploads.

    Returns False if it has the longest one, is still open, has expired, if its last download was taken, or if another
    call changed its lifetime since `bundle` was read: a button that is pressed twice at once counts once.
    """
    lifetime = min(bundle.lifetime + STEP, limits.longest_lifetime)
    if lifetime <= bundle.lifetime:
        return False
    with transaction.atomic(durable=True):
        transaction_lock(bundle.box)
        ready = _locked(live_in(bundle))
        as_read = Bundle.objects.standing().filter(pk=bundle.pk, lifetime=bundle.lifetime, completed_at__isnull=False)
        found = as_read.first()
        return found is not None and not found.is_taken and bool(ready) and _move(as_read, ready, lifetime)


def remove(bundle: Bundle, *, end: End = End.OWNER, storage: UploadStorage) -> list[str]:
    """Remove a bundle with all its uploads, ready or not, before its time. Returns the ids of those uploads."""
    with transaction.atomic(durable=True):
        transaction_lock(bundle.box)
        ids = mark(Upload.objects.filter(bundle=bundle.pk), end=end)
        end_bundles([bundle.pk], end)
    erase_now(ids, storage)
    return ids


def live_in(bundle: Bundle) -> UploadQuerySet:
    """The uploads that a bundle offers at this moment, in the order in which they were sent."""
    return Upload.objects.live().filter(bundle=bundle.pk).order_by("created_at", "pk")


def _check_room(bundles: BundleQuerySet, most: int) -> None:
    """Raise NotAllowed if as many of these bundles are open as uploads may be there."""
    if len(bundles.open()[:most].values_list("pk")) >= most:
        message = _("At most %(limit)d bundles can be open at a time. Complete or delete some.")
        raise NotAllowed("bundle_count", message % {"limit": most})


def _locked(uploads: UploadQuerySet) -> list[str]:
    """The ids of these uploads, in the order in which every transaction locks them, until this one ends."""
    return list(uploads.select_for_update().order_by("pk").values_list("pk", flat=True))


def _move(bundle: BundleQuerySet, ready: Collection[str], lifetime: timedelta) -> bool:
    """Let the complete one of these, with its uploads, live so long after it was completed; False if that is over."""
    deadline = F("completed_at") + lifetime
    allowed = Q(expires_at__lte=deadline) | Q(completed_at__gte=Now() + (DOWNLOAD_URL_LIFETIME - lifetime))
    found = bundle.first()
    moved = bundle.filter(allowed).update(lifetime=lifetime, expires_at=deadline, look_at=deadline)
    if found is None or not moved:
        return False
    _share_deadline(found, ready)
    return True


def _share_deadline(bundle: Bundle, uploads: Collection[str]) -> None:
    """Copy the bundle's lifetime and deadline to these uploads, so that each row alone proves when it is over."""
    row = Bundle.objects.filter(pk=bundle.pk)
    Upload.objects.filter(pk__in=uploads).update(
        lifetime=Subquery(row.values("lifetime")), expires_at=Subquery(row.values("expires_at"))
    )


def _again(bundle: Bundle) -> Bundle:
    """The row as it is now. Raises Gone: it was purged."""
    try:
        bundle.refresh_from_db()
    except Bundle.DoesNotExist:
        raise Gone from None
    return bundle
