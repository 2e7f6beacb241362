"""The storage of the uploads, as the setting STORAGES chooses it, typed as the protocol that the domain knows."""

from typing import TYPE_CHECKING, cast

from django.core.files.storage import default_storage

from .protocol import UploadStorage

if TYPE_CHECKING:
    from .folder.storage import FolderUploadStorage
    from .s3.storage import S3UploadStorage

    # STORAGES names a class in a string, which no type checker follows. Here each class is held against the protocol.
    folder: type[UploadStorage] = FolderUploadStorage
    s3: type[UploadStorage] = S3UploadStorage

# The same lazy object as Django's: it makes the storage when that is first used.
uploads_storage = cast(UploadStorage, default_storage)
