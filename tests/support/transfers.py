"""Transfers of several parts, as small as the storage in use allows."""

from django.conf import settings
from django.test import Client

from mayfly.uploads.models import Upload
from mayfly.uploads.parts import MiB

from .people import body_of, fetch

# The least that the storage takes for every part but the last.
PART = (5 if settings.USE_S3 else 1) * MiB
# The folder and LocalStack check signatures; moto does not.
TAKEN, REFUSED = (200, 201), (403, 404)


def content_of(upload: dict) -> bytes:
    """The bytes that the upload's link leads to."""
    return body_of(fetch(Client().get(f"/u/{upload['id']}/download")["Location"]))


def row(upload: dict) -> Upload:
    """The row of an upload that the API has shown."""
    return Upload.objects.get(pk=upload["id"])
