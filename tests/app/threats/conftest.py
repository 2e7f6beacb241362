"""These tests send parts as small as the storage takes."""

import pytest

from mayfly.uploads import parts

from ...support.transfers import PART


@pytest.fixture
def small_parts(monkeypatch) -> None:
    monkeypatch.setattr(parts, "PART_SIZE", PART)
