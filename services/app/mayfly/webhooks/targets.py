"""The addresses of endpoints: which URLs are accepted, and which network addresses the worker may connect to.

Visitors name these URLs, and the worker is inside of the operator's network. So a URL leads to public addresses only.
The operator may name others in WEBHOOK_HOSTS.
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from ..uploads.errors import NotAllowed
from .limits import URL_LENGTH

PORTS = {"https": 443, "http": 80}
# The addresses of the Internet that are given out to networks. Everything else of IPv6 is local, reserved, or leads to
# an IPv4 address: mapped, NAT64.
UNICAST = IPv6Network("2000::/3")
# 6to4 and its relays: packets come out in IPv4.
RELAYED: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("192.88.99.0/24"), IPv6Network("2002::/16"))
# Family and address of a socket.
Place = tuple[int, Any]


class NotPublic(Exception):
    """A host has an address that is not public, so the worker connects to none of its addresses."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts. `is_named`: the operator allows it, wherever it leads."""

    tls: bool
    host: str
    port: int
    path: str
    is_named: bool

    @property
    def authority(self) -> str:
        """Host and port, as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS["https" if self.tls else "http"] else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """The parts of this URL. Raises NotAllowed if it is not one that a webhook may have.

    No name is looked up, which could take long. An address in digits is checked here already.
    """
    if len(url) > URL_LENGTH or not re.fullmatch(r"https?://[!-~]+", url) or re.search(r"[#\\@]", url):
        raise _no_url()
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    except ValueError:
        raise _no_url() from None
    if not re.fullmatch(r"[a-z0-9._-]{1,253}|[0-9a-f:.]+", host):
        raise _no_url()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    is_named = any(named in settings.WEBHOOK_HOSTS for named in (host, f"{host}:{port}"))
    target = Target(parts.scheme == "https", host, port, path, is_named)
    if not is_named:
        _check_public(target)
    return target


def places_of(target: Target) -> list[Place]:
    """The network addresses of the target's host now, all of them checked. Connect to these and look up no other.

    Raises:
        NotPublic: one of them is not public.
        OSError: the host has none, or cannot be looked up.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    places = [(int(family), place) for family, _type, _protocol, _name, place in found]
    if not target.is_named and not all(is_public(str(place[0])) for _family, place in places):
        raise NotPublic
    return places


def is_public(address: str) -> bool:
    """Whether this address belongs to the Internet, and to one host there."""
    try:
        found = ip_address(address)
    except ValueError:  # with a zone, which only local addresses have
        return False
    if any(found in network for network in RELAYED if network.version == found.version):
        return False
    return found.is_global and not found.is_multicast and (isinstance(found, IPv4Address) or found in UNICAST)


def _check_public(target: Target) -> None:
    if not target.tls or target.port != PORTS["https"]:
        raise NotAllowed("url", _("A webhook begins with https:// and has no other port than 443."), field="url")
    try:
        places = socket.getaddrinfo(target.host, target.port, flags=socket.AI_NUMERICHOST, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a name
        places = []
    if not all(is_public(str(place[4][0])) for place in places) or (not places and "." not in target.host):
        raise NotAllowed("url", _("A webhook leads to a public address only."), field="url")


def _no_url() -> NotAllowed:
    message = _("This is no address for a webhook. Send one as https://example.org/path, with up to %d characters.")
    return NotAllowed("url", message % URL_LENGTH, field="url")
