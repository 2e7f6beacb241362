"""Turn a PDF or a text into its preview, as a program of its own: reader.py TYPE < document > preview

It is to documents what `decoder.py` is to images, and works inside the same walls: one process for one document, with
limits on time and memory, which gives up all but computing before it reads a byte. It exits with 0, after the first
page as a line with its number of pixels and a WebP, or after the first lines of a text as UTF-8. Else its status is one
of the decoder's, after words for the log.

    TYPE    application/pdf or text/plain, as the first bytes prove it.
"""

import codecs
import resource
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

# Loaded by its path, because a program in isolation finds no module beside it, and a folder with a `queue` must not be
# searched.
DECODER = Path(__file__).with_name("decoder.py")
PDF, TEXT = "application/pdf", "text/plain"
# A usual page takes a tenth of a second. A bomb must not keep the images waiting.
PDF_SECONDS = 5
# A text: how much of it is read, and how much of that is shown. It fits into one answer of storage, and on a phone.
MOST_TEXT = 16 * 1024
LINES, LINE_LENGTH = 12, 200
BLANKS = {"\t", "\n", "\r", "\f"}


def main() -> int:
    decoder = ModuleType("decoder")
    decoder.__file__ = str(DECODER)  # its walls are beside it
    SourceFileLoader(decoder.__name__, str(DECODER)).exec_module(decoder)
    decoder.walls.restrict()
    try:
        preview = first_page(decoder) if sys.argv[1] == PDF else first_lines(decoder)
    except decoder.Refused as refused:
        print(refused)
        status: int = refused.status
        return status
    except MemoryError:
        too_heavy: int = decoder.TOO_HEAVY
        return too_heavy
    sys.stdout.buffer.write(preview)
    return 0


def first_page(decoder: ModuleType) -> bytes:
    """The number of pixels and the picture of the first page of the PDF on the standard input."""
    resource.setrlimit(resource.RLIMIT_CPU, (PDF_SECONDS, PDF_SECONDS + 1))
    decoder.walls.limit_memory(decoder.LARGE)
    import pypdfium2  # only now, so that the limit covers its set-up as well
    import pyvips

    with open(DECODER) as lock:  # the images' own lock, since a page may take as much memory as a large one
        decoder.walls.only_compute()
        content = sys.stdin.buffer.read()
        with decoder.take_turn(lock, large=True):
            try:
                pixels, width, height = page_of(pypdfium2, content, decoder.SIDE)
            except pypdfium2.PdfiumError as error:
                raise decoder.Refused(decoder.NOT_AN_IMAGE, str(error)) from error
            picture = pyvips.Image.new_from_memory(pixels, width, height, 4, "uchar").extract_band(0, n=3)
            preview: bytes = picture.copy(interpretation="srgb").webpsave_buffer(**decoder.WEBP)
    return b"%d\n" % (width * height) + preview


def page_of(pypdfium2: Any, content: bytes, side: int) -> tuple[bytes, int, int]:
    """The first page in up to `side` pixels a side: four bytes a pixel, width and height. Raises PdfiumError."""
    page = pypdfium2.PdfDocument(content)[0]
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        raise pypdfium2.PdfiumError("a page without a size")
    bitmap = page.render(
        scale=side / max(width, height),
        may_draw_forms=False,
        limit_image_cache=True,
        force_bitmap_format=pypdfium2.raw.FPDFBitmap_BGRx,
        rev_byteorder=True,
    )
    return bytes(bitmap.buffer), bitmap.width, bitmap.height


def first_lines(decoder: ModuleType) -> bytes:
    """The first lines of the text on the standard input, which is UTF-8 without any control character."""
    decoder.walls.limit_memory(decoder.SMALL)
    decoder.walls.only_compute()
    content = sys.stdin.buffer.read(MOST_TEXT)
    try:
        # The last character may be cut if there is more of the text.
        text = codecs.utf_8_decode(content, "strict", len(content) < MOST_TEXT)[0].removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise decoder.Refused(decoder.NOT_AN_IMAGE, str(error)) from error
    if any(character < " " and character not in BLANKS for character in text):
        raise decoder.Refused(decoder.NOT_AN_IMAGE, "not a text")
    lines = [line.expandtabs(4).rstrip()[:LINE_LENGTH] for line in text.splitlines()[:LINES]]
    shown = "\n".join(lines).strip("\n")
    if not shown.strip():
        raise decoder.Refused(decoder.NOT_AN_IMAGE, "blank")
    return shown.encode()


if __name__ == "__main__":
    sys.exit(main())
