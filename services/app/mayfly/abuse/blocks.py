"""Blocks: what the operator keeps out, and the question whether something is."""

import re
from datetime import timedelta
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from ..uploads.errors import NotAllowed
from ..uploads.ids import is_id
from ..uploads.limits import DIGEST_LENGTH
from ..uploads.prepared import Prepared
from .models import Block, Sort

# The widest networks that can be blocked. A wider one is a mistake in the number behind the slash.
WIDEST = {4: 8, 6: 16}


def block(value: str, *, lasts: timedelta | None, note: str = "") -> Block:
    """Keep this out, in place of an earlier block of the same.

    `value` is the SHA-256 of content, the keyed hash of a sender's address, or a network or address as people write it.
    `lasts` None blocks content until the block is lifted.

    Raises:
        NotAllowed: it is none of these, too wide a network, or a sender or network without an end.
    """
    found = check(value, lasts=lasts)
    ends_at = None if lasts is None else Now() + lasts
    changes = {"note": note, "ends_at": ends_at}
    kept, _created = Block.objects.update_or_create(sort=found.sort, value=found.value, defaults=changes)
    return kept


def check(value: str, *, lasts: timedelta | None) -> Block:
    """The block that `block` would keep, not saved. Raises NotAllowed as that does."""
    found = named(value)
    if lasts is None and found.sort != Sort.CONTENT:
        message = _("An address changes hands, so its block has to end. Choose a time.")
        raise NotAllowed("lasts", message, field="lasts")
    return found


def named(value: str) -> Block:
    """The thing that this text names, as a block that is not saved. Raises NotAllowed."""
    value = value.strip()
    if re.fullmatch(rf"[0-9a-fA-F]{{{DIGEST_LENGTH}}}", value):
        return Block(sort=Sort.CONTENT, value=value.lower())
    if is_id(value):
        return Block(sort=Sort.SENDER, value=value)
    try:
        network = _network(value)
    except ValueError:
        message = _("This is neither a SHA-256, nor the hash of an address, nor a network such as 198.51.100.0/24.")
        raise NotAllowed("value", message, field="value") from None
    if network.prefixlen < WIDEST[network.version]:
        message = _("This network is too wide. The number behind the slash has to be %d or more.")
        raise NotAllowed("value", message % WIDEST[network.version], field="value")
    return Block(sort=Sort.NETWORK, value=str(network))


def check_sender(address: str, ip: IPv4Address | IPv6Address | None) -> None:
    """Raise NotAllowed if this sender is blocked: `address` is the keyed hash, `ip` the address itself."""
    networks = _around(ip)
    for _block in _prepared(len(networks)).rows(address, *networks):
        raise NotAllowed(
            "address_blocked", _("The operator of this site accepts no uploads from your network address.")
        )


def against(address: str, ip: IPv4Address | IPv6Address | None) -> QuerySet[Block]:
    """The blocks of a sender: of the hash, and of each network that the address is in.

    These are a hundred values at most, found by their index, however many networks are blocked.
    """
    return _against(address, *_around(ip))


def is_blocked(sha256: str) -> bool:
    """Whether the operator has blocked the content with this hash."""
    return _standing().filter(sort=Sort.CONTENT, value=sha256).exists()


def purge() -> int:
    """Delete the blocks that have ended. Returns how many."""
    return Block.objects.filter(ends_at__lte=Now()).delete()[0]


def _around(ip: IPv4Address | IPv6Address | None) -> list[str]:
    """Every network that can be blocked and that the address is in."""
    if ip is None:
        return []
    return [str(ip_network((ip, bits), strict=False)) for bits in range(WIDEST[ip.version], ip.max_prefixlen + 1)]


def _against(address: str, *networks: str) -> QuerySet[Block]:
    blocked = Q(sort=Sort.SENDER, value=address)
    if networks:
        blocked |= Q(sort=Sort.NETWORK, value__in=networks)
    return _standing().filter(blocked)


@cache
def _prepared(networks: int) -> Prepared:
    """The question whether a sender in so many networks is blocked, with SQL that is made once."""
    names = [f"network {number}" for number in range(networks)]
    return Prepared(lambda *values: _against(*values).values_list("pk")[:1], "the sender", *names)


def _network(value: str) -> IPv4Network | IPv6Network:
    """The network that this text names. An IPv6 address alone names the 64 bits that one subscriber has."""
    network = ip_network(value, strict=False)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped and network.prefixlen >= 96:  # an IPv4 network as IPv6 writes it
        return ip_network((int(mapped), network.prefixlen - 96))
    return ip_network((int(network.network_address), 64), strict=False) if network.prefixlen == 128 else network


def _standing() -> QuerySet[Block]:
    return Block.objects.filter(Q(ends_at__gt=Now()) | Q(ends_at__isnull=True))
