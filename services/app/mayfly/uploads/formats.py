"""Sizes and numbers as people read them, in their language."""

from django.utils.formats import get_format
from django.utils.translation import ngettext

from .limits import MB


def size_in_words(value: int) -> str:
    """Bytes as people say them, on one line: 812 bytes, 48 kB, 3.2 MB."""
    if value < 1000:
        return ngettext("%d byte", "%d bytes", value) % value
    if value < MB:
        return f"{three_digits(value / 1000)}\N{NO-BREAK SPACE}kB"
    return format_size(value).replace(" ", "\N{NO-BREAK SPACE}")


def format_size(size: int) -> str:
    """A limit in bytes as people say it: 64 MB, 4.1 GB."""
    return f"{three_digits(size / (1000 * MB))} GB" if size >= 1000 * MB else f"{three_digits(size / MB)} MB"


def three_digits(value: float) -> str:
    """Three significant digits, with the language's decimal mark."""
    digits = f"{float(f'{value:.3g}'):g}"  # 1000 and not 1e+03
    return digits.replace(".", get_format("DECIMAL_SEPARATOR"))
