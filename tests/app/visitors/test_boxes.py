"""The box of a request, and its address."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from mayfly.uploads.ids import new_id
from mayfly.visitors import boxes, cookies
from mayfly.visitors.addresses import address_of

pytestmark = pytest.mark.django_db

BOX = new_id()


def request(**headers):
    return RequestFactory().get("/", headers=headers)


def with_cookie(token: str, name: str = "box"):
    made = request(cookie=f"{name}={token}")
    made.COOKIES = {name: token}
    return made


@pytest.fixture
def days(monkeypatch):
    """Let the clock by which tokens are signed show another day: `days(29)`."""
    now = signing.time.time()

    def later(count: float) -> None:
        monkeypatch.setattr(signing.time, "time", lambda: now + count * 24 * 3600)

    return later


def old_token(box: str) -> str:
    """A token as version 0.1 made it."""
    return signing.Signer(salt="mayfly.box").sign(box)


def test_a_token_opens_its_box_from_each_header_and_the_cookie():
    token = boxes.token_of(BOX)
    assert boxes.from_headers(request(authorization=f"Bearer {token}")) == BOX
    assert boxes.from_headers(request(authorization=f"bearer {token}")) == BOX
    assert boxes.from_headers(request(x_box_token=token)) == BOX
    assert boxes.from_cookie(with_cookie(token)) == BOX


def test_a_request_without_a_token_has_no_box():
    assert boxes.from_headers(request()) is None
    assert boxes.from_headers(request(authorization="Basic dXNlcjpwYXNz")) is None
    assert boxes.from_cookie(request()) is None


def assert_opens_nothing(token: str) -> None:
    with pytest.raises(boxes.BadToken):
        boxes.from_headers(request(authorization=f"Bearer {token}"))
    with pytest.raises(boxes.BadToken):
        boxes.from_headers(request(x_box_token=token))
    assert boxes.from_cookie(with_cookie(token)) is None


@pytest.mark.parametrize("change", [lambda t: t + "x", lambda t: t[1:], lambda t: "other" + t[t.index(":") :]])
@pytest.mark.parametrize("make", [boxes.token_of, old_token])
def test_a_changed_token_opens_no_box(change, make):
    assert_opens_nothing(change(make(BOX)))


def test_a_token_of_one_form_is_none_of_the_other():
    """The time of a token would otherwise be read as part of a box's id."""
    box, time, _ = boxes.token_of(BOX).split(":")
    assert_opens_nothing(signing.TimestampSigner(salt="mayfly.box").sign(box))
    assert_opens_nothing(old_token(f"{box}:{time}"))


def test_new_boxes_differ():
    assert boxes.new() != boxes.new()


def test_a_shared_box_is_the_same_for_all(settings):
    token = boxes.token_of(boxes.new())
    settings.SHARED_BOX = True
    assert boxes.new() == boxes.new() == boxes.from_headers(request(x_box_token=token))


@pytest.mark.parametrize("make", [boxes.token_of, old_token])
def test_a_token_of_the_shared_box_ends_with_it(settings, make):
    """Case 70."""
    settings.SHARED_BOX = True
    token = make(boxes.new())
    assert boxes.from_cookie(with_cookie(token)) == boxes.SHARED
    settings.SHARED_BOX = False
    assert_opens_nothing(token)
    assert_opens_nothing(make("anything else"))


def test_a_token_lasts_for_thirty_days(days):
    """Case 70."""
    token = boxes.token_of(BOX)
    days(29.9)
    assert boxes.from_cookie(with_cookie(token)) == BOX
    days(30.1)
    assert_opens_nothing(token)


def test_a_token_without_an_age_opens_its_box_for_a_while(monkeypatch):
    token = old_token(BOX)
    monkeypatch.setattr(cookies, "OLD_FORMS_UNTIL", timezone.now() + timedelta(minutes=1))
    assert boxes.from_headers(request(x_box_token=token)) == boxes.from_cookie(with_cookie(token)) == BOX
    monkeypatch.setattr(cookies, "OLD_FORMS_UNTIL", datetime(2026, 1, 1, tzinfo=UTC))
    assert_opens_nothing(token)


def remembered(made) -> bool:
    """Whether the response to this request has a cookie for its box."""
    return "box" in boxes.remember(made, HttpResponse(), BOX, boxes.cookie_of(made)).cookies


def test_a_cookie_is_renewed_at_its_use_but_not_with_each_page(days, monkeypatch):
    """Case 70: a visitor who comes once a month keeps their box."""
    monkeypatch.setattr(cookies, "OLD_FORMS_UNTIL", timezone.now() + timedelta(minutes=1))
    token = boxes.token_of(BOX)
    assert not remembered(with_cookie(token))
    assert remembered(request())
    assert remembered(with_cookie(old_token(BOX)))
    assert remembered(with_cookie(boxes.token_of(new_id())))
    days(2)
    assert remembered(with_cookie(token))
    assert not remembered(with_cookie(boxes.token_of(BOX)))


def test_a_token_in_a_header_is_renewed_after_a_day(days):
    token = boxes.token_of(BOX)
    assert not boxes.sender_of(request(x_box_token=token)).old
    assert boxes.sender_of(request()) is None
    days(2)
    assert boxes.sender_of(request(x_box_token=token)).old


def test_a_token_opens_with_a_key_that_was_replaced(settings):
    """Case 70: the key can be replaced without taking the boxes away."""
    token, old = boxes.token_of(BOX), settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    assert_opens_nothing(token)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert boxes.from_cookie(with_cookie(token)) == BOX
    settings.SECRET_KEY_FALLBACKS = []
    assert_opens_nothing(token)


def test_of_two_cookies_of_one_name_none_counts():
    """Case 70: one of them may be a neighbour's on the same domain."""
    mine, planted = boxes.token_of(BOX), boxes.token_of(new_id())
    for first, second in ((mine, planted), (planted, mine), (mine, mine)):
        made = request(cookie=f"box={first}; csrftoken=x; box={second}")
        made.COOKIES = {"box": second}
        assert boxes.from_cookie(made) is None


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


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("203.0.113.7:5678", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7:5678", "203.0.113.7"),
        ("[2001:db8:1:2::9]:443", "2001:db8:1:2::1"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::1"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
    ],
)
def test_an_address_counts_the_same_with_a_port_or_brackets(settings, written, plain):
    """Case 67."""
    assert address(settings, trust=True, forwarded=written) == address(settings, trust=True, forwarded=plain)


@pytest.mark.parametrize(
    "written", ["unknown", "", "_hidden", "1.2.3", "1.2.3.4:", "1.2.3.4:x", "[]", "[::1", "x" * 5000]
)
def test_all_that_is_no_address_counts_as_one(settings, written):
    """Case 67."""
    unreadable = address(settings, trust=True, forwarded="nonsense")
    assert address(settings, trust=True, forwarded=written) == unreadable
    assert address(settings, trust=False, remote=written) == unreadable
    assert len(unreadable) == 22


def test_an_ipv6_address_with_a_zone_counts_by_its_network(settings):
    plain = address(settings, trust=False, remote="fe80::1")
    assert address(settings, trust=False, remote="fe80::1%eth0") == plain
