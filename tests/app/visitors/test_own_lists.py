"""A visitor's list is for a token that counts, and has what any list of the box has."""

import pytest

from mayfly.uploads.choices import Kind
from mayfly.uploads.listing import listed
from mayfly.visitors import boxes, renewals
from mayfly.visitors.own_lists import listed_for
from mayfly.visitors.tokens import SHARED, Token

pytestmark = pytest.mark.django_db(transaction=True)


def ids(uploads: list | None) -> list[str] | None:
    return uploads and [upload.pk for upload in uploads]


def test_a_token_that_counts_gets_the_list_of_its_box(owner, stranger):
    mine = [owner.upload(name=name)["id"] for name in ("a", "b")]
    stranger.upload(name="c")
    assert ids(listed_for(Token(owner.box), Kind.FILE)) == mine[::-1] == ids(listed(owner.box, Kind.FILE))
    assert listed_for(Token(owner.box), Kind.IMAGE) == []


@pytest.mark.parametrize("has_uploads", [True, False])
def test_a_replaced_token_gets_no_list(owner, has_uploads):
    mine = [owner.upload()["id"]] if has_uploads else []
    first = renewals.renew(owner.box)
    assert ids(listed_for(first, Kind.FILE)) == mine
    assert listed_for(Token(owner.box), Kind.FILE) is None
    second = renewals.renew(owner.box)
    assert listed_for(first, Kind.FILE) is None
    assert ids(listed_for(second, Kind.FILE)) == mine


def test_no_renewal_ends_the_shared_box(owner):
    renewals.renew(SHARED)
    assert listed_for(Token(SHARED), Kind.FILE) == []


def test_a_page_with_a_replaced_cookie_shows_nothing_of_the_box(owner):
    owner.upload(name="mine.txt")
    browser = owner.browser
    assert "mine.txt" in browser.get("/files/").content.decode()
    renewals.renew(owner.box)
    answer = browser.get("/files/")
    assert "mine.txt" not in answer.content.decode()
    assert boxes.opened(answer.cookies["box"].value).box != owner.box
