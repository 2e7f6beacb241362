"""The addresses to which a webhook may lead."""

import socket

import pytest

from mayfly.uploads.errors import NotAllowed
from mayfly.webhooks import sending, targets
from mayfly.webhooks.targets import is_public, places_of, target_of

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111"]
LOCAL = [
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104  # nothing listens there
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.17.0.1",
    "192.168.1.1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:1.1.1.1",
    "64:ff9b::7f00:1",
    "64:ff9b::101:101",
    "64:ff9b:1::1",
    "2001:0:1::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:101:101::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", LOCAL)
def test_an_address_that_is_local_or_leads_elsewhere_is_not_public(address):
    """Case 108."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.org", "https://Hooks.example.org:443/a?b=c", "https://1.1.1.1/"]
)
def test_a_url_with_a_public_address_is_accepted(url):
    target = target_of(url)
    assert (target.tls, target.port, target.authority) == (True, 443, target.host)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://hooks.example.org:8443/",
        "https://hooks.example.org:99999/",
        "https://user@hooks.example.org/",
        "https://hooks.example.org\\@127.0.0.1/",
        "https://hooks.example.org/#x",
        "https://hooks.example.org/a b",
        "https://hooks.example.org/\r\nX-Box-Token: x",
        "https://hooks.example.org/\n",
        "https://höoks.example.org/",
        "https://x/" + "y" * 500,
        "https:///path",
        "https://[::1/",
        "gopher://hooks.example.org/",
        "file:///etc/passwd",
        "",
        *(f"https://{host}/" for host in ("localhost", "postgres", "127.1", "0x7f.1", "0x7f000001", "2130706433")),
        *(f"https://{host}/" for host in ("0177.0.0.1", "0", "169.254.169.254", "[::ffff:127.0.0.1]", "[64:ff9b::1]")),
    ],
)
def test_a_url_that_is_none_or_leads_inside_is_refused(url):
    """Case 108, before any name is looked up."""
    with pytest.raises(NotAllowed):
        target_of(url)


@pytest.fixture
def names(monkeypatch):
    """Names with their addresses: a list of answers, one a lookup. Other names are looked up as usual."""
    known: dict[str, list[list[str]]] = {}
    usual = socket.getaddrinfo

    def lookup(host, port, *arguments, **more):
        if host not in known or more.get("flags"):
            return usual(host, port, *arguments, **more)
        found = known[host].pop(0)
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(targets.socket, "getaddrinfo", lookup)
    return known


@pytest.mark.parametrize("address", LOCAL)
def test_a_name_with_one_local_address_is_connected_to_at_none(names, monkeypatch, address):
    """Case 108."""
    names["hooks.example.org"] = [["93.184.216.34", address]]
    monkeypatch.setattr(sending, "_connected", lambda *_: pytest.fail("it connects"))
    with pytest.raises(sending.Failed, match="not public"):
        sending.post(target_of("https://hooks.example.org/"), secret="whsec_", delivery_id="a", body="{}")


def test_a_name_that_changes_its_address_is_looked_up_once(names, monkeypatch):
    """Case 108: the checked address is the one connected to."""
    names["hooks.example.org"] = [["93.184.216.34"], ["127.0.0.1"]]
    tried = []

    def refuse(self, place):
        tried.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(sending.Failed):
        sending.post(target_of("https://hooks.example.org/"), secret="whsec_", delivery_id="a", body="{}")
    assert tried == [("93.184.216.34", 443)]


def test_only_the_hosts_that_the_operator_names_may_be_inside(settings):
    settings.WEBHOOK_HOSTS = ["127.0.0.1:9000", "localhost"]
    target = target_of("http://127.0.0.1:9000/hook")
    assert (target.is_named, target.authority) == (True, "127.0.0.1:9000")
    assert places_of(target) == [(socket.AF_INET, ("127.0.0.1", 9000))]
    assert target_of("http://localhost:1234/").is_named
    for other in ("http://127.0.0.1:9001/", "https://127.0.0.2:9000/", "http://127.0.0.1:9000.example.org/"):
        with pytest.raises(NotAllowed):
            target_of(other)
