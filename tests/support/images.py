"""Images on their way to a preview."""

from datetime import timedelta

import pyvips
from django.db.models.functions import Now

from mayfly.previews import draw, tasks
from mayfly.uploads.models import Upload

from .people import Person
from .pictures import jpeg, opened, pieces


def drawn(content: bytes, content_type: str = "image/jpeg") -> pyvips.Image:
    """The preview of this image, without any upload. Raises what `draw` raises."""
    return opened(draw.draw(pieces(content), content_type=content_type).preview)


def image(owner: Person, content: bytes | None = None, **more: object) -> Upload:
    """An image that its owner has just completed."""
    return Upload.objects.get(pk=owner.upload(content or jpeg(), kind="image", **more)["id"])


def with_preview(owner: Person, content: bytes | None = None) -> Upload:
    """An image that the worker has drawn."""
    upload = image(owner, content)
    tasks.waiting_previews()
    upload.refresh_from_db()
    assert upload.has_preview
    return upload


def due_now(upload: Upload) -> None:
    """End the pause before the next attempt."""
    Upload.objects.filter(pk=upload.pk).update(preview_due_at=Now() - timedelta(seconds=1))
