"""Every storage's promises about listings: all of them, in the order of keys, from any key on."""

import pytest

from mayfly.storage.folder import listing

from ...support.storages import open_transfer, stored

pytest_plugins = ["tests.support.storages"]

# In the order of their bytes; neither locales nor file systems agree with it. LocalStack also lists keys beyond ASCII,
# but leaves them out after a given key. None of ours is beyond ASCII.
NAMES = ("", "+", "-", ".", "0", "9", "A", "B/c", "B/d/e", "B0", "Z", "_", "a", "a.b", "b", "z", "~")


@pytest.fixture(params=[2, 20_000])
def pages(request, monkeypatch) -> None:
    """The folder reads its names in pages."""
    monkeypatch.setattr(listing, "PAGE", request.param)


@pytest.fixture
def keys(key) -> list[str]:
    return [f"{key}{name}" for name in NAMES]


def test_objects_are_listed_in_the_order_of_keys_from_any_key_on(storage, key, keys, pages):
    for one in reversed(keys):
        stored(storage, one, b"content")
    try:
        assert [found.key for found in storage.objects(key)] == keys
        for number, after in enumerate(keys):
            assert [found.key for found in storage.objects(key, after=after)] == keys[number + 1 :]
        assert [found.key for found in storage.objects(key, after=f"{keys[3]}!")] == keys[4:]
        assert list(storage.objects(f"{key}none/")) == []
    finally:
        storage.remove(keys)


def test_transfers_are_listed_in_the_order_of_keys_from_any_key_on(strict_storage, key, keys, pages):
    """moto lists them in no order."""
    for one in [*reversed(keys), keys[2], keys[-1]]:
        open_transfer(strict_storage, one)
    try:
        expected = sorted([*keys, keys[2], keys[-1]])
        assert [found.key for found in strict_storage.transfers(key)] == expected
        for after in keys:
            listed = [found.key for found in strict_storage.transfers(key, after=after)]
            assert listed == [one for one in expected if one > after]
    finally:
        for one in keys:
            strict_storage.abort_transfers(one)
