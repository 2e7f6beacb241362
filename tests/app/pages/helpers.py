"""Helpers that the tests of the pages share."""

import re
from urllib.parse import unquote

from django.core.files.uploadedfile import SimpleUploadedFile

from ..conftest import PNG


def image(name: str = "dot.png", content: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def page(response) -> str:
    return response.content.decode()


def saved_as(disposition: str) -> str:
    """The name that a browser gives the download: RFC 6266 has it prefer `filename*`."""
    if extended := re.search(r"filename\*=UTF-8''([^;]+)", disposition, re.IGNORECASE):
        return unquote(extended[1])
    return re.sub(r"\\(.)", r"\1", re.search(r'filename="((?:[^"\\]|\\.)*)"', disposition)[1])
