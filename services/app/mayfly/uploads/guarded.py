"""The protection of an upload, or of several under one link: a password, and a limit on downloads."""

from dataclasses import dataclass, field

from django.db import models
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac

from .passwords import hashed
from .rules import check_downloads, check_password, check_protectable

# An Argon2 hash with its salt and parameters has 97 characters.
HASH_LENGTH = 128
PASS_LENGTH = 22


@dataclass(frozen=True, slots=True)
class Protection:
    """The choices of a sender: the hash of a password, or nothing, and a limit on downloads, or None."""

    password: str = field(default="", repr=False)
    downloads: int | None = None

    @staticmethod
    def chosen(*, password: str = "", downloads: int | None = None) -> "Protection":
        """The protection by this password, in plain text, and this limit. One hash serves all uploads of a request.

        Raises:
            NotAllowed: the password is too long, or the limit is not from 1 to 100; or there is one box for all.
            Hashing: too many passwords are being hashed.
        """
        if password or downloads is not None:
            check_protectable()
        if downloads is not None:
            check_downloads(downloads)
        check_password(password)
        return Protection(hashed(password) if password else "", downloads)

    @staticmethod
    def changed(*, password: str | None = None, downloads: int | None = None) -> dict[str, object]:
        """The values for a row whose protection changes. None leaves what there is; "" and 0 remove it.

        Raises what `chosen` raises.
        """
        changes: dict[str, object] = {}
        if password is not None or downloads:
            protection = Protection.chosen(password=password or "", downloads=downloads or None)
            changes |= {"password": protection.password} if password is not None else {}
            changes |= {"downloads_most": protection.downloads} if downloads else {}
        if downloads == 0:
            changes |= {"downloads_most": None, "downloads_taken": 0}
        return changes

    @property
    def columns(self) -> dict[str, object]:
        """The values for the row that it protects."""
        return {"password": self.password, "downloads_most": self.downloads}


# For an upload that everyone with its link may have.
OPEN = Protection()


class Guarded(models.Model):
    """The columns of a row whose visitors need a password, or may download only so often. Its owner is never asked."""

    # A hash by `passwords`; empty if there is no password.
    password = models.CharField(max_length=HASH_LENGTH, db_default="", blank=True, editable=False)
    # How many downloads there may be, or null for no limit, and how many others have taken.
    downloads_most = models.PositiveSmallIntegerField(null=True, blank=True)
    downloads_taken = models.PositiveSmallIntegerField(db_default=0)

    class Meta:
        abstract = True

    @property
    def is_taken(self) -> bool:
        """Whether there is a limit, and others have taken all of it."""
        return self.downloads_most is not None and self.downloads_taken >= self.downloads_most

    @property
    def asks_first(self) -> bool:
        """Whether a download begins with a POST, because it takes a password or counts."""
        return bool(self.password) or self.downloads_most is not None

    @property
    def pass_value(self) -> str:
        """The secret by which a visitor is known who has typed the password. Another password ends it."""
        text = f"{self.pk}:{self.password}"
        return salted_hmac("mayfly.pass", text, algorithm="sha256").hexdigest()[:PASS_LENGTH]

    def accepts(self, shown: str | None) -> bool:
        """Whether a visitor with this pass, or with none, may look at it."""
        return not self.password or (shown is not None and constant_time_compare(shown, self.pass_value))

    def take_one(self) -> bool:
        """Count one download, unless all are taken. One UPDATE, so that no two callers take the same one."""
        left = type(self)._default_manager.filter(pk=self.pk, downloads_taken__lt=F("downloads_most"))
        taken = left.update(downloads_taken=F("downloads_taken") + 1)
        if taken:
            self.refresh_from_db(fields=["downloads_most", "downloads_taken"])
        return bool(taken)
