"""The box of a request, and its address."""

import pytest
from django.test import RequestFactory

from mayfly.visitors import boxes
from mayfly.visitors.addresses import address_of


def request(**headers):
    return RequestFactory().get("/", headers=headers)


def test_a_token_opens_its_box_from_each_header_and_the_cookie():
    token = boxes.token_of("mybox")
    assert boxes.from_headers(request(authorization=f"Bearer {token}")) == "mybox"
    assert boxes.from_headers(request(authorization=f"bearer {token}")) == "mybox"
    assert boxes.from_headers(request(x_box_token=token)) == "mybox"
    with_cookie = request()
    with_cookie.COOKIES[boxes.COOKIE] = token
    assert boxes.from_cookie(with_cookie) == "mybox"


def test_a_request_without_a_token_has_no_box():
    assert boxes.from_headers(request()) is None
    assert boxes.from_headers(request(authorization="Basic dXNlcjpwYXNz")) is None
    assert boxes.from_cookie(request()) is None


@pytest.mark.parametrize("change", [lambda t: t + "x", lambda t: t[1:], lambda t: "other" + t[t.index(":") :]])
def test_a_changed_token_opens_no_box(change):
    forged = change(boxes.token_of("mybox"))
    with pytest.raises(boxes.BadToken):
        boxes.from_headers(request(authorization=f"Bearer {forged}"))
    with_cookie = request()
    with_cookie.COOKIES[boxes.COOKIE] = forged
    assert boxes.from_cookie(with_cookie) is None


def test_new_boxes_differ():
    assert boxes.new() != boxes.new()


def test_a_shared_box_is_the_same_for_all(settings):
    token = boxes.token_of(boxes.new())
    settings.SHARED_BOX = True
    assert boxes.new() == boxes.new() == boxes.from_headers(request(x_box_token=token))


# addresses


def address(settings, *, trust: bool, remote: str = "10.0.0.1", forwarded: str | None = None) -> str:
    settings.TRUST_PROXY = trust
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return address_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote))


def test_an_address_cannot_be_read_from_its_hash(settings):
    hashed = address(settings, trust=False)
    assert len(hashed) == 22
    assert "10.0.0.1" not in hashed
    settings.SECRET_KEY = "another"
    assert address(settings, trust=False) != hashed


def test_the_last_forwarded_address_counts_behind_a_router(settings):
    honest = address(settings, trust=True, forwarded="203.0.113.7")
    assert address(settings, trust=True, forwarded="198.51.100.1, 203.0.113.7") == honest
    assert address(settings, trust=True, forwarded="203.0.113.8") != honest


def test_the_forwarded_header_is_ignored_without_a_router(settings):
    assert address(settings, trust=False, forwarded="203.0.113.7") == address(settings, trust=False)


def test_the_ipv6_addresses_of_one_network_count_as_one(settings):
    one = address(settings, trust=False, remote="2001:db8:1:2::1")
    assert address(settings, trust=False, remote="2001:db8:1:2:ffff::9") == one
    assert address(settings, trust=False, remote="2001:db8:1:3::1") != one
    mapped = address(settings, trust=False, remote="::ffff:10.0.0.1")
    assert mapped == address(settings, trust=False, remote="10.0.0.1")


def test_an_invalid_address_is_not_counted(settings):
    assert address(settings, trust=True, forwarded="unknown") == ""
