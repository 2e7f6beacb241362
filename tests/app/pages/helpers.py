"""Helpers that the tests of the pages share."""

from django.core.files.uploadedfile import SimpleUploadedFile

from ...support.samples import PNG


def image(name: str = "dot.png", content: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def page(response) -> str:
    return response.content.decode()


def policy_of(response) -> dict[str, set[str]]:
    """The content security policy of an answer: each directive with its sources."""
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in parts}
