"""Each way to send an upload, and the way back to its bytes and its name."""

import re
from typing import Any
from urllib.parse import unquote

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from .people import Person, fetch


def by_api(owner: Person, content: bytes, declared: str, **more: object) -> None:
    owner.upload(content, type=declared, **more)


def by_form(owner: Person, content: bytes, declared: str, *, name: str = "a.html", kind: str = "file") -> None:
    owner.browser.post(f"/{kind}s/", {"file": SimpleUploadedFile(name, content, declared)})


def by_curl(owner: Person, content: bytes, declared: str, *, name: str = "a.html") -> None:
    Client().put(f"/{name}", content, declared, headers={"X-Box-Token": owner.headers["Authorization"].split()[1]})


def downloaded(pk: str) -> Any:
    """The answer that holds the bytes, from the app or from S3."""
    return fetch(Client().get(f"/u/{pk}/download")["Location"])


def saved_as(disposition: str) -> str:
    """The name that a browser gives the download. RFC 6266 prefers `filename*`."""
    if extended := re.search(r"filename\*=UTF-8''([^;]+)", disposition, re.IGNORECASE):
        return unquote(extended[1])
    return re.sub(r"\\(.)", r"\1", re.search(r'filename="((?:[^"\\]|\\.)*)"', disposition)[1])
