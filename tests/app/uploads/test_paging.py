"""The pages of a list: each upload once, in order, whatever comes and goes meanwhile."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import NotAllowed
from mayfly.uploads.limits import PAGE
from mayfly.uploads.models import Upload
from mayfly.uploads.paging import REFUSED_SHOWN, overview, page_after, page_before

from ...support.making import expire, make_row, ready_row

pytestmark = pytest.mark.django_db

BOX = "b" * 22


def own():
    return Upload.objects.of(BOX)


def rows(count: int, **more) -> list[str]:
    """Ids of so many live uploads, newest first. Two at a time have the same time of completion."""
    made = [ready_row(completed_at=Now() - timedelta(seconds=number // 2), **more) for number in range(count)]
    for earlier, later in zip(made[::2], made[1::2], strict=False):
        Upload.objects.filter(pk=later.pk).update(completed_at=Upload.objects.get(pk=earlier.pk).completed_at)
    return list(own().live().values_list("pk", flat=True))


def ids(page) -> list[str]:
    return [upload.pk for upload in page.uploads]


def walk(limit: int) -> list[str]:
    found, cursor = [], ""
    while cursor is not None:
        page = page_after(own(), cursor, limit=limit)
        found += ids(page)
        cursor = page.older
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_the_pages_have_each_upload_once_and_in_order(limit):
    """Case 64."""
    expected = rows(7)
    assert walk(limit) == expected


@pytest.mark.parametrize("limit", [1, 2])
def test_the_way_back_leads_over_the_same_pages(limit):
    rows(6)
    first = page_after(own(), limit=limit)
    assert first.newer is None
    second = page_after(own(), first.older, limit=limit)
    third = page_after(own(), second.older, limit=limit)
    assert ids(page_before(own(), third.newer, limit=limit)) == ids(second)
    back = page_before(own(), second.newer, limit=limit)
    assert (ids(back), back.newer) == (ids(first), None)


def test_a_page_goes_on_where_its_cursor_was_removed():
    expected = rows(4)
    page = page_after(own(), limit=2)
    Upload.objects.filter(pk=page.older).update(
        state=State.GONE, removed_at=Now(), name="", title="", address="", code=None
    )
    assert ids(page_after(own(), page.older, limit=2)) == expected[2:]
    expire(Upload.objects.get(pk=expected[2]))
    assert ids(page_after(own(), page.older, limit=2)) == expected[3:]


def test_a_cursor_of_another_box_is_as_unknown_as_none():
    """Case 64: a cursor tells nothing about a stranger's upload."""
    rows(2)
    stranger = ready_row(box="c" * 22)
    pending = make_row()
    for cursor in (stranger.pk, pending.pk, "x" * 22, "nonsense'"):
        for page in (page_after, page_before):
            with pytest.raises(NotAllowed) as refusal:
                page(own(), cursor)
            assert refusal.value.code == "cursor"


def test_a_page_reads_one_row_more_than_it_shows():
    """Case 64."""
    rows(9)
    with CaptureQueriesContext(connection) as asked:
        page = page_after(own(), limit=3)
        page_after(own(), page.older, limit=3)
    assert all("LIMIT" in query["sql"] for query in asked)


# the overview of a page


def test_a_box_of_one_page_takes_one_query(django_assert_num_queries):
    rows(PAGE, kind=Kind.IMAGE)
    with django_assert_num_queries(1):
        shown = overview(BOX, Kind.IMAGE)
    assert (len(shown.uploads), shown.total, shown.newer, shown.older) == (PAGE, PAGE, None, None)


def test_a_long_list_shows_a_page_and_counts_all():
    """Case 64."""
    rows(2 * PAGE + 3)
    soonest = expire_in(20)
    first = overview(BOX, Kind.FILE)
    assert (len(first.uploads), first.total) == (PAGE, 2 * PAGE + 3)
    assert timedelta(seconds=15) < first.next_to_expire.time_left <= timedelta(seconds=20)
    last = overview(BOX, Kind.FILE, after=overview(BOX, Kind.FILE, after=first.older).older)
    assert (len(last.uploads), last.total, last.older) == (3, 2 * PAGE + 3, None)
    assert soonest in ids(last)
    middle = overview(BOX, Kind.FILE, before=last.newer)
    assert (len(middle.uploads), middle.older) == (PAGE, middle.uploads[-1].pk)
    assert overview(BOX, Kind.FILE, before=middle.newer).newer is None


def expire_in(seconds: int) -> str:
    """The oldest upload expires soon. Returns its id."""
    oldest = own().live().last()
    Upload.objects.filter(pk=oldest.pk).update(expires_at=Now() + timedelta(seconds=seconds))
    return oldest.pk


@pytest.mark.parametrize("cursor", [{"after": "x" * 22}, {"before": "nonsense"}])
def test_a_cursor_that_leads_nowhere_shows_the_first_page(cursor):
    expected = rows(3)
    assert ids(overview(BOX, Kind.FILE, **cursor)) == expected


def test_a_page_whose_uploads_have_all_expired_shows_the_first():
    expected = rows(3)
    assert ids(overview(BOX, Kind.FILE, after=expected[-1])) == expected


@pytest.mark.parametrize("live", [3, PAGE + 1])
def test_many_refused_images_hide_no_live_one_and_fill_no_page(live):
    """Case 64."""
    rows(live, kind=Kind.IMAGE)
    for _ in range(2 * PAGE):
        ready_row(kind=Kind.IMAGE, state=State.GONE, removed_at=Now(), name="", refusal="It is damaged.")
    shown = overview(BOX, Kind.IMAGE)
    assert (len(shown.uploads), shown.total, len(shown.refused)) == (min(live, PAGE), live, REFUSED_SHOWN)
    if shown.older:
        assert overview(BOX, Kind.IMAGE, after=shown.older).refused == []
