"""The client of clamd, with a server that speaks its protocol, and with clamd itself where it is installed."""

import socket
from collections.abc import Iterator

import pytest

from mayfly.abuse import clamd
from mayfly.abuse.clamd import Unavailable

from ...support.clamd import KINDS, MOST, SIGNATURE
from ...support.clamd import clamd as running
from ...support.ports import free_port


@pytest.fixture(scope="module", params=KINDS)
def url(request, tmp_path_factory) -> Iterator[str]:
    with running(request.param, tmp_path_factory.mktemp("clamd")) as url:
        yield url


def scan(*pieces: bytes, url: str, seconds: float = 20) -> str:
    return clamd.scan(pieces, url=url, seconds=seconds)


def test_clean_bytes_match_nothing(url):
    assert scan(b"hello", b"", b"world", url=url) == ""


def test_a_signature_is_found_across_two_pieces(url):
    """Case 42."""
    assert scan(b"x" * 1000 + SIGNATURE[:9], SIGNATURE[9:], url=url) == "Mayfly.Made.UNOFFICIAL"


def test_bytes_beyond_the_limit_of_clamd_have_no_verdict(url):
    with pytest.raises(Unavailable, match="size limit exceeded|Error"):
        scan(*[bytes(65_536)] * (MOST // 65_536 + 2), url=url)


def test_a_clamd_that_is_away_gives_no_verdict():
    with pytest.raises(Unavailable):
        scan(b"hello", url=f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable):
        scan(b"hello", url="unix:///tmp/there-is-none")


def test_a_silent_clamd_is_given_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable):
        scan(b"hello", url=f"tcp://127.0.0.1:{silent.getsockname()[1]}", seconds=0.05)
