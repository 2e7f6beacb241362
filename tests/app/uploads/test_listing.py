"""The list on a visitor's page has the rows that a query by the ORM finds."""

import pytest
from django.db.models.functions import Now

from mayfly.uploads.choices import Kind, State
from mayfly.uploads.listing import Listed, listed
from mayfly.uploads.models import Upload

from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)

# Everything but the time left, which the next query finds shorter.
LASTING = [name for name in Listed._fields if name != "time_left"]


def test_a_listed_upload_has_the_values_of_its_row(owner):
    for number in (1, 2, 3):
        upload = owner.upload(PNG, kind="image", name=f"{number}.png", title="a title", lifetime=100 * number)
    Upload.objects.filter(pk=upload["id"]).update(
        state=State.GONE, name="", title="", address="", code=None, removed_at=Now(), refusal="It is damaged."
    )
    rows = Upload.objects.live_or_refused().with_time_left()
    box = rows[0].box
    found = listed(box, Kind.IMAGE)
    assert [[getattr(one, name) for name in LASTING] for one in found] == [
        [getattr(row, name) for name in LASTING] for row in rows
    ]
    assert [one.why_refused for one in found] == [row.why_refused for row in rows] == ["It is damaged.", "", ""]
    assert all(one.time_left <= one.lifetime for one in found)


def test_a_list_has_one_box_and_one_kind(owner, stranger):
    mine = owner.upload(PNG, kind="image", name="mine.png")
    file = owner.upload(name="mine.txt")
    stranger.upload(PNG, kind="image", name="other.png")
    box = Upload.objects.get(pk=mine["id"]).box
    assert [one.pk for one in listed(box, Kind.IMAGE)] == [mine["id"]]
    assert [one.pk for one in listed(box, Kind.FILE)] == [file["id"]]
    assert listed("the box", Kind.IMAGE) == []
