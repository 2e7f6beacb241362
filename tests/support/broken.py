"""Storage that fails where a test wants it to."""

from typing import Any, NoReturn

from django.core.files.storage import default_storage, storages

from mayfly.storage.protocol import StorageError


class Wrapped:
    """The storage in use, with some of its methods replaced by the test's."""

    def __init__(self, **methods: object):
        self._methods = methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(default_storage, name)


def storage_class() -> type:
    """The class of the storage in use, to replace a method for code that chooses the storage itself."""
    return type(storages["default"])


def down(*arguments: object, **more: object) -> NoReturn:
    """In place of a method: storage does not answer."""
    raise StorageError("time-out")
