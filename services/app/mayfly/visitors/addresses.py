"""The network address of a request."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from ..uploads.ids import ID_LENGTH

# An address as routers write it: IPv6 in brackets or not, and either with a port or not.
_BRACKETED = re.compile(r"\[([^\]]*)\](?::[0-9]+)?")
_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+")
# All addresses that cannot be read count as one, so that no way of writing an address evades the limits.
UNREADABLE = "unreadable"


def address_of(request: HttpRequest) -> str:
    """A keyed hash of the client's address: it distinguishes addresses without revealing them.

    Behind our router, the address is the last one in X-Forwarded-For, which the router has added. The client may have
    written the others itself. An IPv6 address counts by its first 64 bits, since one subscriber has all of
    them. All that is no address counts as one.
    """
    return hashed(_written(request))


def ip_of(request: HttpRequest) -> IPv4Address | IPv6Address | None:
    """The client's address itself, by the same rules; None if it cannot be read. It is for a moment, never kept."""
    return _read(_written(request))


def hashed(address: str) -> str:
    """The hash under which uploads from this address are kept, whatever way of writing the address."""
    return salted_hmac("mayfly.address", _counted(address)).hexdigest()[:ID_LENGTH]


def _written(request: HttpRequest) -> str:
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUST_PROXY:
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()
    return address


def _counted(address: str) -> str:
    """The address, or the network of an IPv6 address, in its one spelling; UNREADABLE for anything else."""
    ip = _read(address)
    if ip is None:
        return UNREADABLE
    return str(ip_network((int(ip), 64), strict=False).network_address) if ip.version == 6 else str(ip)


def _read(address: str) -> IPv4Address | IPv6Address | None:
    """The address, and for an IPv4 address in the form of IPv6 the former; None for anything else."""
    found = _BRACKETED.fullmatch(address) or _WITH_PORT.fullmatch(address)
    try:
        ip = ip_address(found[1] if found else address)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if ip.version == 6 else ip
