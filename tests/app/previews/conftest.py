"""A program of the test's own in the decoder's place."""

from collections.abc import Callable

import pytest

from mayfly.previews import draw


@pytest.fixture
def program(monkeypatch, tmp_path) -> Callable[[str], None]:
    """Replace the decoder: `program("raise SystemExit(1)")`."""

    def write(code: str) -> None:
        file = tmp_path / "decoder.py"
        file.write_text(code)
        monkeypatch.setattr(draw, "DECODER", file)

    return write
