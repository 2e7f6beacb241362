"""Visitors of a server of one's own: by names that only these tests know, and by TLS of the server's own authority."""

import base64
import hashlib
import os
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser

from tests.support.chromium import chromium

from ..conftest import URL

SITE = urlsplit(URL)
FILES = f"https://files.{SITE.netloc}"
# Past Caddy, where only programs of the server's own get.
INSIDE = f"http://127.0.0.1:{os.environ['HTTP_PORT']}"
real = socket.getaddrinfo


@pytest.fixture(scope="session", autouse=True)
def names() -> Iterator[None]:
    """Let the names of the server lead to this machine."""
    socket.getaddrinfo = lambda host, *more, **options: real(
        "127.0.0.1" if str(host).endswith(SITE.hostname) else host, *more, **options
    )
    yield
    socket.getaddrinfo = real


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A visitor without a browser, who trusts the server's authority and no other."""
    with httpx.Client(base_url=URL, timeout=60) as client:
        yield client


def key(host: str) -> str:
    """The hash of the public key that a host shows, after its certificate was verified, as Chromium takes it."""
    trusting = ssl.create_default_context()
    with (
        socket.create_connection((host, SITE.port)) as plain,
        trusting.wrap_socket(plain, server_hostname=host) as connection,
    ):
        shown = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
    public = shown.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


@pytest.fixture(scope="session")
def browser(names, tmp_path_factory) -> Iterator[Browser]:
    """Chromium, which trusts these two keys: to give it an authority takes a program that few machines have."""
    keys = ",".join(key(urlsplit(address).hostname) for address in (URL, FILES))
    with chromium(
        f"--ignore-certificate-errors-spki-list={keys}",
        f"--host-resolver-rules=MAP {SITE.hostname} 127.0.0.1, MAP *.{SITE.hostname} 127.0.0.1",
    ) as browser:
        yield browser
