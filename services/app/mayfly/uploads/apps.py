from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.db.models.signals import pre_delete

from ..storage.default import uploads_storage

if TYPE_CHECKING:
    from .models import Upload


class UploadsConfig(AppConfig):
    """The label stays short: it names the tables and the migrations."""

    name = "mayfly.uploads"
    label = "uploads"

    def ready(self) -> None:
        pre_delete.connect(remove_bytes_first, sender="uploads.Upload")


def remove_bytes_first(instance: "Upload", **_: Any) -> None:
    """Remove the bytes of a row that is deleted in the admin. If storage keeps them, the row stays as well.

    The lifecycle deletes only rows of which storage has nothing.
    """
    from . import lifecycle
    from .choices import STANDING

    if instance.state in STANDING:
        lifecycle.discard(instance, storage=uploads_storage)
