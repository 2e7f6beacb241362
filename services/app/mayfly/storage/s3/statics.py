"""Static files in a public bucket of their own: the release step sends the tree that the image build has hashed.

They need their own bucket because the uploads' bucket stays closed to the public as a whole.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from whitenoise.media_types import MediaTypes

from ..keys import STATIC
from ..protocol import StorageError
from . import bucket
from .storage import S3UploadStorage

# A name contains the hash of its content, so the content under a name never changes.
FOR_EVER = "public, max-age=31536000, immutable"


def publish(storage: S3UploadStorage, tree: ManifestStaticFilesStorage) -> list[str]:
    """Make the bucket public to read, and send the files that it lacks. Returns a sentence for each change.

    Safe to repeat, and quick then. Files of earlier versions stay, because their pages may still be open somewhere.

    Raises:
        StorageError: nothing has been collected, or S3 refuses.
    """
    names = set(tree.hashed_files.values())
    if not names:
        raise StorageError("there are no static files to send: run `manage.py collectstatic` first")
    try:
        changes = bucket.open_to_readers(storage.client, storage.bucket_name, region=storage.region_name, prefix=STATIC)
        missing = sorted(names - _there(storage))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: _send(storage, name, Path(tree.path(name))), missing))
    except (ClientError, BotoCoreError) as error:
        raise StorageError(str(error)) from error
    return changes + ([f"Sent {len(missing)} of {len(names)} static files."] if missing else [])


def _there(storage: S3UploadStorage) -> set[str]:
    pages = storage.client.get_paginator("list_objects_v2").paginate(Bucket=storage.bucket_name, Prefix=STATIC)
    return {item["Key"].removeprefix(STATIC) for page in pages for item in page.get("Contents", ())}


def _send(storage: S3UploadStorage, name: str, file: Path) -> None:
    kind = MediaTypes().get_type(name)
    # S3 cannot choose an encoding by the request, and every browser accepts gzip. Small and packed files have no .gz.
    packed = file.with_name(f"{file.name}.gz")
    encoding: dict[str, Any] = {"ContentEncoding": "gzip"} if packed.exists() else {}
    storage.client.put_object(
        Bucket=storage.bucket_name,
        Key=STATIC + name,
        Body=(packed if packed.exists() else file).read_bytes(),
        ContentType=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        CacheControl=FOR_EVER,
        **encoding,
    )
