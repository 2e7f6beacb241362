"""What follows from a change by itself."""

from django.core.files.storage import default_storage
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from . import lifecycle
from .models import State, Upload
from .policy import Kind
from .storage.protocol import UploadStorage


@receiver(lifecycle.became_ready)
def keep_only_the_newest_images(upload: Upload, storage: UploadStorage, **_) -> None:
    """In the same transaction, so that nobody ever sees one image too many."""
    if upload.kind == Kind.IMAGE:
        lifecycle.keep_newest(upload.box, storage=storage)


@receiver(pre_delete, sender=Upload)
def bytes_go_before_their_row(instance: Upload, **_) -> None:
    """A row deleted by other hands, in the admin: its bytes go first, and where they do not, the row stays."""
    if instance.state != State.GONE:
        lifecycle.discard(instance, storage=default_storage)
