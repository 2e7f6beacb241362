"""The kinds of an upload and the states of its life."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy


class Kind(TextChoices):
    IMAGE = "image", gettext_lazy("image")
    FILE = "file", gettext_lazy("file")


class State(TextChoices):
    PENDING = "pending", gettext_lazy("Pending")
    READY = "ready", gettext_lazy("Ready")
    REMOVING = "removing", gettext_lazy("Removing")
    GONE = "gone", gettext_lazy("Gone")


class End(TextChoices):
    """Why an upload that was ready is no longer offered. Its receipt says so."""

    EXPIRED = "expired"
    OWNER = "owner"  # its owner deleted it
    TAKEN = "taken"  # others took all the downloads that its limit allows
    NEWER = "newer"  # a newer image of the same box took its place
    OPERATOR = "operator"
    REFUSED = "refused"  # it is no image that we can show
    VIRUS = "virus"  # the virus check found something in it
    LOST = "lost"  # storage does not have its bytes


# The states that a removal may begin from.
STANDING = (State.PENDING, State.READY)


class Phase(TextChoices):
    """The phases of a round of reconcile: it counts what does not match, then removes that, unless that is too much."""

    COUNTING = "counting"
    REMOVING = "removing"
    ENDED = "ended"
    STOPPED = "stopped"
