"""The first page of a PDF and the first lines of a text, by a process that knows nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mayfly.previews import draw, reader
from mayfly.previews.draw import DecoderBroken, Interrupted, NotShowable, draw_page, read_lines

from ...support.documents import busy_pdf, packed_pdf, pdf
from ...support.pictures import opened, pieces

DOCUMENT_SECONDS = draw.DOCUMENT_SECONDS  # as it is outside of tests
FOLDER = Path(reader.__file__).parent
UNREADABLE = {
    "random": b"%PDF-1.4\n" + os.urandom(1000),
    "cut": pdf()[:200],
    "empty": b"",
    "without a page": pdf().replace(b"/Count 1", b"/Count 0").replace(b"[3 0 R]", b"[]     "),
}
BOMBS = {
    "a form that draws itself": pdf(b"/X Do"),
    "gigabytes in kilobytes": packed_pdf(1_000_000_000),
    "millions of lines": busy_pdf(2_000_000),
}


def page(content: bytes) -> tuple[int, int]:
    """Width and height of the picture of its first page."""
    picture = opened(draw_page(pieces(content)).preview)
    return picture.width, picture.height


def lines(content: bytes) -> str:
    drawn = read_lines(content)
    assert drawn.pixels == 0
    return drawn.preview.decode()


def test_the_first_page_is_drawn_upright_in_its_colours():
    picture = opened(draw_page(pieces(pdf())).preview)
    assert (picture.width, picture.height) == (453, 640)
    red, paper = picture(120, 260), picture(10, 10)
    assert red[0] > 200 > 60 > red[1]
    assert min(paper) > 250


@pytest.mark.parametrize(
    ("box", "size"), [("0 0 842 595", (640, 453)), ("0 0 1 14400", (1, 640)), ("0 0 1000000000 1", (640, 1))]
)
def test_a_page_of_any_size_fits_into_a_preview(box, size):
    """Case 81."""
    assert page(pdf(box=box)) == size


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_a_pdf_that_cannot_be_read_has_no_page(content):
    with pytest.raises(NotShowable):
        page(content)


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_a_pdf_bomb_ends_at_the_limits_of_its_process(content):
    """Case 81."""
    with pytest.raises(NotShowable, match="more time or memory"):
        page(content)


def test_a_pdf_gets_half_the_time_of_an_image():
    """Case 81."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); import reader, resource as r\n"
        "limits = lambda: (r.getrlimit(r.RLIMIT_CPU)[0], r.getrlimit(r.RLIMIT_DATA)[0])\n"
        "def show(*_): os.write(1, b'%d %d' % limits()); os._exit(0)\n"
        "reader.page_of = show; sys.argv = ['', reader.PDF]; reader.main()"
    )
    command = [sys.executable, "-I", "-c", code, FOLDER]
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert answer.stdout == b"5 256000000"


def test_a_slow_pdf_is_ended_while_an_image_still_has_time(monkeypatch, tmp_path):
    """Case 81: a large image may wait for the page that is drawn before it."""
    assert DOCUMENT_SECONDS <= draw.IMAGE_SECONDS / 2
    program = tmp_path / "reader.py"
    program.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(draw, "READER", program)
    monkeypatch.setattr(draw, "DOCUMENT_SECONDS", 0.5)
    with pytest.raises(Interrupted):
        page(pdf())


def test_a_killed_reader_may_be_tried_again(monkeypatch, tmp_path):
    program = tmp_path / "reader.py"
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(draw, "READER", program)
    with pytest.raises(Interrupted):
        read_lines(b"hello")


def test_a_hijacked_reader_of_pages_can_return_only_webp(monkeypatch, tmp_path):
    """Case 81."""
    program = tmp_path / "reader.py"
    program.write_text("print('<script>alert(1)</script>')")
    monkeypatch.setattr(draw, "READER", program)
    with pytest.raises(DecoderBroken):
        page(pdf())


def test_a_hijacked_reader_of_lines_can_return_only_few_and_visible_ones(monkeypatch, tmp_path):
    """Case 82."""
    program = tmp_path / "reader.py"
    program.write_text(
        "import sys; sys.stdout.buffer.write(b'\\xff\\x00\\xe2\\x80\\xae' + b'a' * 100_000 + b'\\nb' * 1000)"
    )
    monkeypatch.setattr(draw, "READER", program)
    shown = read_lines(b"hello").preview.decode().split("\n")
    assert len(shown) == reader.LINES
    assert len(shown[0]) <= reader.LINE_LENGTH
    assert not {"\x00", "\u202e"} & set(shown[0])


def test_the_first_lines_are_few_and_short():
    """Case 82."""
    assert lines(b"a\n" * 100) == "\n".join("a" * reader.LINES)
    assert lines(b"a" * 1000) == "a" * reader.LINE_LENGTH
    assert lines(b"if x:\r\n\treturn  \r\n") == "if x:\n    return"


def test_no_more_of_a_text_is_read_than_is_shown():
    """Case 82: what comes after the first lines may be anything."""
    assert lines(b"a\n" * reader.MOST_TEXT + b"\x00\xff") == "\n".join("a" * reader.LINES)


@pytest.mark.parametrize("length", range(reader.MOST_TEXT - 4, reader.MOST_TEXT + 1))
def test_a_character_that_is_cut_at_the_end_is_left_out(length):
    start = b"\n" * 5 + b"x" * (length - 5)
    assert lines((start + "写真🦋".encode())[: reader.MOST_TEXT]).strip("x") == ""


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert lines("\ufeffnaïve 写真".encode()) == "naïve 写真"


def test_no_line_can_be_reordered_or_hide_a_character():
    """Case 82."""
    assert lines("photo\u202egpj.exe\u200b".encode()) == "photogpj.exe"


@pytest.mark.parametrize(
    "content", [b"\xff\xfeh\x00i\x00", b"caf\xe9", b"a\x00b", b"\x1b[2J", b" \n\t\n", b"\xe2\x82"], ids=repr
)
def test_what_is_no_text_in_utf_8_has_no_lines(content):
    """Case 82."""
    with pytest.raises(NotShowable):
        read_lines(content)
