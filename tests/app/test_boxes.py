"""Which box a request belongs to."""

import pytest
from django.test import RequestFactory

from uploads import boxes


def request(**headers):
    return RequestFactory().get("/", headers=headers)


def test_a_token_opens_its_box_in_each_place():
    token = boxes.token_of("mybox")
    assert boxes.from_headers(request(authorization=f"Bearer {token}")) == "mybox"
    assert boxes.from_headers(request(authorization=f"bearer {token}")) == "mybox"
    assert boxes.from_headers(request(x_box_token=token)) == "mybox"
    with_cookie = request()
    with_cookie.COOKIES[boxes.COOKIE] = token
    assert boxes.from_cookie(with_cookie) == "mybox"


def test_no_token_is_no_box():
    assert boxes.from_headers(request()) is None
    assert boxes.from_headers(request(authorization="Basic dXNlcjpwYXNz")) is None
    assert boxes.from_cookie(request()) is None


@pytest.mark.parametrize("change", [lambda t: t + "x", lambda t: t[1:], lambda t: "other" + t[t.index(":") :]])
def test_a_changed_token_opens_nothing(change):
    forged = change(boxes.token_of("mybox"))
    with pytest.raises(boxes.BadToken):
        boxes.from_headers(request(authorization=f"Bearer {forged}"))
    with_cookie = request()
    with_cookie.COOKIES[boxes.COOKIE] = forged
    assert boxes.from_cookie(with_cookie) is None


def test_new_boxes_differ():
    assert boxes.new() != boxes.new()


def test_a_shared_box_is_one_for_all(settings):
    token = boxes.token_of(boxes.new())
    settings.SHARED_BOX = True
    assert boxes.new() == boxes.new() == boxes.from_headers(request(x_box_token=token))
