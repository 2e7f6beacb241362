# The part of django-storages that Mayfly uses. The package has no types, so without this file S3Storage would be Any,
# and S3UploadStorage would pass for any protocol.
from typing import Any

from botocore.config import Config
from django.core.files.storage import Storage

class S3Storage(Storage):
    access_key: str | None
    secret_key: str | None
    security_token: str | None
    bucket_name: str
    region_name: str | None
    endpoint_url: str | None
    client_config: Config | None

    def __init__(self, **settings: Any) -> None: ...
    def get_default_settings(self) -> dict[str, Any]: ...
    def __getstate__(self) -> dict[str, Any]: ...
