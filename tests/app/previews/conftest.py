"""A program of the test's own in the decoder's place."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mayfly.previews import decoder, draw, running


@pytest.fixture
def program(monkeypatch, tmp_path) -> Iterator[Callable[[str], None]]:
    """Replace the decoder: `program("raise SystemExit(1)")`."""

    def write(code: str) -> None:
        file = tmp_path / "decoder.py"
        file.write_text(code)
        monkeypatch.setattr(draw, "DECODER", file)
        running.close_idle()  # it has loaded the other one

    running.close_idle()
    yield write
    running.close_idle()


@pytest.fixture
def fewer_pixels(program, monkeypatch) -> Callable[..., None]:
    """Lower the limits of formats that are held whole, in megapixels, for the decoder and for its judge."""

    def lower(*, whole: int, avif: int) -> None:
        code = Path(decoder.__file__).read_text()
        line = f"MOST_WHOLE, MOST_AVIF = {decoder.MOST_WHOLE}, {decoder.MOST_AVIF}\n"
        assert line in code
        beside = f"Path({decoder.__file__!r})"  # where its walls are
        program(code.replace(line, f"MOST_WHOLE, MOST_AVIF = {whole}, {avif}\n").replace("Path(__file__)", beside))
        monkeypatch.setattr(decoder, "MOST_WHOLE", whole)
        monkeypatch.setattr(decoder, "MOST_AVIF", avif)

    return lower
