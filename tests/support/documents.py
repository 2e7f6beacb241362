"""Documents for tests: PDFs of one page, kind ones and bombs."""

import zlib


def pdf(content: bytes = b"1 0 0 rg 72 400 200 100 re f", *, box: str = "0 0 595 842", filters: bytes = b"") -> bytes:
    """A PDF whose one page, of this size in points, has this content."""
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>" % box.encode(),
        b"<</Length %d%s>>stream\n%s\nendstream" % (len(content), filters, content),
        # A form that draws itself.
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>/Length 10>>"
        b"stream\n/X Do /X Do\nendstream",
    )
    written, places = b"%PDF-1.7\n", []
    for number, described in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj%s endobj\n" % (number, described)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    table += b"".join(b"%010d 00000 n \n" % place for place in places)
    ending = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(written))
    return written + table + ending


def packed_pdf(size: int) -> bytes:
    """A PDF of some kilobytes whose page has `size` bytes of content."""
    packer = zlib.compressobj(9)
    block = b" " * 1_000_000
    content = b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()
    return pdf(content, filters=b"/Filter/FlateDecode")


def busy_pdf(lines: int) -> bytes:
    """A PDF whose page has as many lines to draw, packed."""
    line = b"0 0 m 595 842 l S\n"
    return pdf(zlib.compress(line * lines, 9), filters=b"/Filter/FlateDecode")
