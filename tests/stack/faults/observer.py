"""Look at table and storage without the product, and name the promises that their contents break."""

import os
import shutil
from dataclasses import dataclass, field
from hashlib import md5, sha256
from pathlib import Path
from urllib.parse import unquote

from django.core.files.storage import default_storage
from django.db import connection
from django.db.models.functions import Now

from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.uploads.bundle import Bundle
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload

from ...app.pictures import chunk

SIZE = 100
PNG = b"\x89PNG\r\n\x1a\n"


# A PNG with a text, as it is sent and as it is offered.
PHOTO, PLACE = "photo", chunk(b"tEXt", b"Location\0" + b"at Ada's house")
CLEAN = PNG + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", bytes(8)) + chunk(b"IEND", b"")


def content_of(name: str, kind: str) -> bytes:
    """The content of the upload of this name. It follows from the name, so that every check can compare it."""
    if name == PHOTO:
        return CLEAN.replace(b"\0\0\0\x08IDAT", PLACE + b"\0\0\0\x08IDAT")
    digest = sha256(name.encode()).digest() * 4
    return ((PNG if kind == Kind.IMAGE else b"") + digest)[:SIZE]


@dataclass
class Stock:
    """The contents of storage: the digest of each object by its key, and the keys of open transfers."""

    objects: dict[str, str] = field(default_factory=dict)
    transfers: set[str] = field(default_factory=set)
    # Empty folders, which no later operation removes.
    litter: set[str] = field(default_factory=set)


def stock() -> Stock:
    return _stock_on_disk() if _on_disk() else _stock_on_s3()


def put(key: str, content: bytes) -> None:
    if _on_disk():
        file = Path(_storage().location, key)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    else:
        _client().put_object(Bucket=_storage().bucket_name, Key=key, Body=content)


def read(key: str) -> bytes:
    if _on_disk():
        return Path(_storage().location, key).read_bytes()
    return _client().get_object(Bucket=_storage().bucket_name, Key=key)["Body"].read()


def wipe() -> None:
    """Empty table and storage."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM uploads_upload")
        cursor.execute("DELETE FROM uploads_bundle")
    empty()


def empty() -> None:
    if _on_disk():
        for folder in (Path(_storage().location), _storage()._transfers):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        return
    bucket = {"Bucket": _storage().bucket_name}
    for upload in _client().list_multipart_uploads(**bucket).get("Uploads", ()):
        _client().abort_multipart_upload(**bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    if items := _client().list_objects_v2(**bucket).get("Contents"):
        _client().delete_objects(**bucket, Delete={"Objects": [{"Key": item["Key"]} for item in items]})


def broken_at_any_moment(*, strays=(), lost=()) -> list[str]:
    """The promises that are broken although they hold between any two steps.

    `strays` and `lost` are keys that the scene has on one side only.
    """
    return _broken(stock(), _rows(), set(strays), set(lost))


def broken_after_recovery() -> list[str]:
    """The promises that are still broken after a sweep and a reconcile, `broken_at_any_moment` included."""
    seen, rows = stock(), _rows()
    in_time = set((Upload.objects.pending() | Upload.objects.live().order_by()).values_list("pk", flat=True))
    broken = _broken(seen, rows, set(), set())
    for key, upload in rows.items():
        if upload.state != State.GONE and upload.pk not in in_time:
            broken.append(f"{key}: still {upload.state}, though it is due")
        if key in seen.transfers and upload.state != State.PENDING:
            broken.append(f"{key}: a transfer is open, and the row is {upload.state}")
    if Upload.objects.gone().filter(removed_at__lt=Now() - limits.receipt_time).exists():
        broken.append("an old receipt is still there")
    return broken


def altered() -> list[str]:
    """The ready uploads whose bytes differ from what was sent."""
    uploads = Upload.objects.live()
    return [f"{it.key}: its bytes differ" for it in uploads if read(it.key) not in _contents_of(it)]


def left_behind() -> list[str]:
    """Everything that is left although all uploads are due."""
    seen = stock()
    left = [f"{key}: an object is left" for key in seen.objects]
    left += [f"{key}: a transfer is left" for key in seen.transfers]
    left += [f"{path}: an empty folder is left" for path in seen.litter]
    for key, upload in _rows().items():
        if upload.state != State.GONE:
            left.append(f"{key}: the row is {upload.state}")
        elif upload.removed_at is None or upload.name:
            left.append(f"{key}: its receipt is wrong")
    left += [f"{bundle}: it keeps its title" for bundle in Bundle.objects.exclude(title="").filter(pk__in=_bundles())]
    return left


def _broken(seen: Stock, rows: dict[str, Upload], strays: set[str], lost: set[str]) -> list[str]:
    broken = []
    for what, keys in (("an object", seen.objects), ("an open transfer", seen.transfers)):
        for key in set(keys) - strays:
            if key not in rows:
                broken.append(f"{key}: {what} without a row")
            elif rows[key].state == State.GONE:
                broken.append(f"{key}: the row says gone, and there is {what}")
    for key, upload in rows.items():
        if upload.state == State.READY and key not in lost:
            if key not in seen.objects:
                broken.append(f"{key}: ready, and there is no object")
            elif not any(seen.objects[key] in _tags(content) for content in _contents_of(upload)):
                broken.append(f"{key}: ready, and its bytes differ")
        if upload.state == State.PENDING and upload.transfer_id and not {key} & (seen.transfers | seen.objects.keys()):
            broken.append(f"{key}: pending, and what had arrived is lost")
    return broken


def _contents_of(upload: Upload) -> list[bytes]:
    """The contents that it may have: those that were sent, or the cleaned ones, which alone are offered of a photo."""
    if upload.name != PHOTO:
        return [content_of(upload.name, upload.kind)]
    return [CLEAN] if upload.cleaning_due_at is None else [content_of(PHOTO, upload.kind), CLEAN]


def _rows() -> dict[str, Upload]:
    return {upload.key: upload for upload in Upload.objects.all()}


def _bundles() -> set[str]:
    """The ids of the bundles that some row names. One without any is deleted a quarter of an hour after its begin."""
    return {bundle for bundle in Upload.objects.values_list("bundle", flat=True) if bundle}


def _tags(content: bytes) -> tuple[str, str]:
    """The ETags that S3 lists for this content: as an object in one piece, and as a transfer of one part."""
    digest = md5(content, usedforsecurity=False)
    return digest.hexdigest(), f"{md5(digest.digest(), usedforsecurity=False).hexdigest()}-1"


def _storage():
    return default_storage._wrapped


def _on_disk() -> bool:
    return isinstance(_storage(), FolderUploadStorage)


def _client():
    return _storage().connection.meta.client


def _stock_on_s3() -> Stock:
    bucket = {"Bucket": _storage().bucket_name}
    return Stock(
        objects={
            item["Key"]: item["ETag"].strip('"') for item in _client().list_objects_v2(**bucket).get("Contents", ())
        },
        transfers={item["Key"] for item in _client().list_multipart_uploads(**bucket).get("Uploads", ())},
    )


def _stock_on_disk() -> Stock:
    seen = Stock()
    objects, transfers = Path(_storage().location), _storage()._transfers
    for folder, _, names in os.walk(objects):
        for file in (Path(folder, name) for name in names):
            seen.objects[file.relative_to(objects).as_posix()] = _tags(file.read_bytes())[0]
    for of_key in transfers.iterdir():
        key = unquote(of_key.name)
        (seen.transfers if any(of_key.iterdir()) else seen.litter).add(key)
    return seen
