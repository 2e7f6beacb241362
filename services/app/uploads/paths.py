"""How an upload's id looks in an address: `<upload:upload_id>`."""

from django.urls import register_converter
from django.urls.converters import StringConverter

from .models import ID_LENGTH


class UploadId(StringConverter):
    """22 letters and digits. Anything else is not found before the database hears of it."""

    regex = f"[A-Za-z0-9]{{{ID_LENGTH}}}"


register_converter(UploadId, "upload")
