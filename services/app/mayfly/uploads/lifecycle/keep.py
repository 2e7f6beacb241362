"""Changes by the owner of an upload that is there: its title, and how long it is kept."""

from datetime import timedelta

from django.db.models import Case, DateTimeField, ExpressionWrapper, F, Q, When
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ..choices import State
from ..errors import Gone, NotAllowed
from ..guarded import Protection
from ..limits import DOWNLOAD_URL_LIFETIME, limits
from ..models import Upload
from ..rules import check_lifetime, clean_title

# One press of the button adds this.
STEP = timedelta(minutes=15)


def change(
    upload: Upload,
    *,
    title: str | None = None,
    lifetime: timedelta | None = None,
    password: str | None = None,
    downloads: int | None = None,
) -> Upload:
    """Change an upload that is pending or live, and return it as it is then. None leaves a value as it is.

    An empty password and a limit of 0 downloads remove what there was. A new limit counts what others have taken.

    A pending upload gets the lifetime once it is complete. A live one expires so long after it came, in place of its
    deadline until now. A new deadline may be earlier, but then it is at least DOWNLOAD_URL_LIFETIME away, because no
    signed URL may outlive the upload.

    Raises:
        NotAllowed: the title is too long, or the lifetime is below a second, above the longest, or over; the password
            is too long, or others have taken as many downloads already; or the change is that of a bundle.
        Hashing: too many passwords are being hashed.
        Gone: the upload has expired, or was removed.
    """
    changes: dict[str, object] = {}
    allowed = Q()
    if title is not None:
        changes["title"] = clean_title(title)
    if upload.bundle and (lifetime, password, downloads) != (None, None, None):
        message = _("This upload is in a bundle, and has its lifetime and protection. Change those of the bundle.")
        raise NotAllowed("bundle", message)
    if lifetime is not None:
        check_lifetime(lifetime)
        deadline = ExpressionWrapper(F("completed_at") + lifetime, output_field=DateTimeField())
        changes["lifetime"] = lifetime
        changes["expires_at"] = Case(When(state=State.READY, then=deadline), default=F("expires_at"))
        is_later = Q(expires_at__lte=deadline)
        allowed = Q(state=State.PENDING) | is_later | Q(completed_at__gte=Now() + (DOWNLOAD_URL_LIFETIME - lifetime))
    changes |= Protection.changed(password=password, downloads=downloads)
    # The last download has ended it, although its bytes are there for a minute.
    in_time = Upload.objects.filter(pk=upload.pk, ended="").standing().filter(expires_at__gt=Now())
    untaken = in_time.filter(downloads_taken__lt=downloads) if downloads else in_time
    changed = untaken.filter(allowed).update(**changes) if changes else 0
    if not changed and not in_time.exists():
        raise Gone
    if changes and not changed and not untaken.exists():
        raise NotAllowed("downloads", _("Others have taken as many downloads already."), field="downloads")
    if changes and not changed:
        message = _("That time is over, or will be within a minute. Delete the upload instead.")
        raise NotAllowed("lifetime", message, field="lifetime")
    upload.reload()
    return upload


def keep(upload: Upload) -> bool:
    """Keep a live upload STEP longer, or as much of it as the longest lifetime allows.

    Returns False if it has the longest one, is in a bundle, was removed, or if another call changed its lifetime since
    `upload` was read: a button that is pressed twice at once counts once.
    """
    lifetime = min(upload.lifetime + STEP, limits.longest_lifetime)
    if lifetime <= upload.lifetime or upload.bundle:
        return False
    as_read = Upload.objects.live().filter(pk=upload.pk, ended="", lifetime=upload.lifetime)
    return bool(as_read.update(lifetime=lifetime, expires_at=F("completed_at") + lifetime))


def more(lifetime: timedelta) -> int:
    """By how many whole minutes `keep` would prolong this lifetime; 0 if it has the longest one."""
    return max(min(STEP, limits.longest_lifetime - lifetime) // timedelta(minutes=1), 0)
