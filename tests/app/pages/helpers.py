"""Helpers that the tests of the pages share."""

from django.core.files.uploadedfile import SimpleUploadedFile

from ...support.samples import PNG


def image(name: str = "dot.png", content: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def page(response) -> str:
    return response.content.decode()
