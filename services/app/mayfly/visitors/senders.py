"""Whether the sender of an upload is blocked."""

from django.http import HttpRequest

from ..abuse import blocks
from .addresses import address_of, ip_of


def check_sender(request: HttpRequest) -> None:
    """Ask this before a request begins an upload, and after its rate, which costs no query.

    Raises:
        NotAllowed: the operator has blocked the client's address, or a network that it is in.
    """
    blocks.check_sender(address_of(request), ip_of(request))
