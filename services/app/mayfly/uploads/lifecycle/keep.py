"""Changes by the owner of an upload that is there: its title, and how long it is kept."""

from datetime import timedelta

from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, When
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ..choices import State
from ..errors import Gone, NotAllowed
from ..limits import DOWNLOAD_URL_LIFETIME, limits
from ..models import Upload
from ..rules import check_lifetime, clean_title

# One press of the button adds this.
STEP = timedelta(minutes=15)


def change(upload: Upload, *, title: str | None = None, lifetime: timedelta | None = None) -> Upload:
    """Change the title or the lifetime of an upload that is pending or live, and return it as it is then.

    A pending upload gets the lifetime once it is complete. A live one expires so long after it came, in place of its
    deadline until now. A new deadline may be earlier, but then it is at least DOWNLOAD_URL_LIFETIME away, because no
    signed URL may outlive the upload.

    Raises:
        NotAllowed: the title is too long, or the lifetime is below a second, above the longest, or over.
        Gone: the upload has expired, or was removed.
    """
    changes: dict[str, object] = {}
    allowed = Q()
    if title is not None:
        changes["title"] = clean_title(title)
    if lifetime is not None:
        check_lifetime(lifetime)
        deadline = ExpressionWrapper(F("completed_at") + lifetime, output_field=DateTimeField())
        changes["lifetime"] = lifetime
        changes["expires_at"] = Case(When(state=State.READY, then=deadline), default=F("expires_at"))
        is_later = Q(expires_at__lte=deadline)
        allowed = Q(state=State.PENDING) | is_later | Q(completed_at__gte=Now() + (DOWNLOAD_URL_LIFETIME - lifetime))
    in_time = Upload.objects.filter(pk=upload.pk).standing().filter(expires_at__gt=Now())
    changed = in_time.filter(allowed).update(**changes) if changes else 0
    if not changed and not in_time.exists():
        raise Gone
    if changes and not changed:
        message = _("That time is over, or will be within a minute. Delete the upload instead.")
        raise NotAllowed("lifetime", message, field="lifetime")
    upload.reload()
    return upload


def keep(upload: Upload) -> bool:
    """Keep a live upload STEP longer, or as much of it as the longest lifetime allows.

    Returns False if it has the longest one, was removed, or if another call changed its lifetime since `upload` was
    read: a button that is pressed twice at once counts once.
    """
    lifetime = min(upload.lifetime + STEP, limits.longest_lifetime)
    if lifetime <= upload.lifetime:
        return False
    as_read = Upload.objects.live().filter(pk=upload.pk, lifetime=upload.lifetime)
    return bool(as_read.update(lifetime=lifetime, expires_at=F("completed_at") + lifetime))


def more(lifetime: timedelta) -> int:
    """By how many whole minutes `keep` would prolong this lifetime; 0 if it has the longest one."""
    return max(min(STEP, limits.longest_lifetime - lifetime) // timedelta(minutes=1), 0)
