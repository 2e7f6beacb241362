"""The network address of a request."""

from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from ..uploads.ids import ID_LENGTH


def address_of(request: HttpRequest) -> str:
    """A keyed hash of the client's address: it distinguishes addresses without revealing them.

    Behind our router, the address is the last one in X-Forwarded-For, which the router has added. The client may have
    written the others itself. An IPv6 address counts by its first 64 bits, since one subscriber has all of
    them. Empty if the address is invalid.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY:
        address = request.headers.get("X-Forwarded-For", address).rpartition(",")[2].strip()
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    counted = ip
    if ip.version == 6:
        counted = ip.ipv4_mapped or ip_network((ip, 64), strict=False).network_address
    return salted_hmac("mayfly.address", str(counted)).hexdigest()[:ID_LENGTH]
