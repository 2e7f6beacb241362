"""The room for one more upload: counts beside bytes, of a box, of an address, and of the whole site."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from mayfly.uploads import lifecycle
from mayfly.uploads.errors import NotAllowed
from mayfly.uploads.ids import new_id
from mayfly.uploads.models import SiteUse, Upload

from ...support.making import begin, expire, make_row, ready

pytestmark = pytest.mark.django_db(transaction=True)


def refused(**more) -> str:
    with pytest.raises(NotAllowed) as refusal:
        begin(**more)
    return refusal.value.code


def begun_at_once(**more) -> int:
    """How many of sixteen begins at once succeed."""

    def attempt(_):
        try:
            return begin(**more)
        except NotAllowed:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        return len([upload for upload in pool.map(attempt, range(16)) if upload])


def test_a_box_has_at_most_so_many_uploads_pending_or_ready(limits):
    """Case 64."""
    limits(box_uploads=2)
    box = new_id()
    begin(box=box)
    upload = ready(box=box)
    assert refused(box=box) == "box_count"
    begin(box=new_id())
    lifecycle.remove(upload, storage=storage)
    begin(box=box)


def test_an_address_has_at_most_so_many_uploads_in_all_boxes(limits):
    """Case 64."""
    limits(address_uploads=2)
    begin(address="here")
    ready(address="here")
    assert refused(address="here") == "address_count"
    begin(address="elsewhere")


def test_parallel_begins_never_exceed_the_counts(limits):
    """Case 64."""
    limits(box_uploads=4, address_uploads=5)
    assert begun_at_once(box=new_id(), address="here") == 4
    assert begun_at_once(address="here") == 1


def test_begin_reads_no_more_rows_than_are_allowed(limits):
    """Case 64: the database stops counting where the limit is, so a flood of rows makes no begin slow."""
    limits(box_uploads=3, address_uploads=5)
    box = new_id()
    for _ in range(20):
        make_row(box=box, address="here")
    with CaptureQueriesContext(connection) as asked:
        assert refused(box=box) == "box_count"
        assert refused(address="here") == "address_count"
    counts = [query["sql"] for query in asked if "COUNT" in query["sql"]]
    assert ["LIMIT 3" in sql or "LIMIT 5" in sql for sql in counts] == [True] * 3
    assert Upload.objects.sent_from("here").standing().usage(most=5)[0] == 5


# the whole site


def test_the_site_has_one_quota_for_all_boxes_and_addresses(limits):
    limits(site_quota=10)
    first = begin(b"12345", address="here")
    begin(b"12345", address="elsewhere")
    assert refused(content=b"1") == "site_full"
    lifecycle.remove(first, storage=storage)
    SiteUse.objects.update(counted_at=Now() - timedelta(seconds=2))
    begin(b"12345")


def test_parallel_begins_never_exceed_the_quota_of_the_site(limits):
    limits(site_quota=20)
    assert begun_at_once() == 4


def test_bytes_that_storage_still_has_count_for_the_site(limits):
    limits(site_quota=10)
    Upload.objects.filter(pk=expire(begin(b"1234567890")).pk).update(state="removing")
    assert refused() == "site_full"


def test_a_full_site_is_counted_once_a_second_at_most(limits):
    """Case 64: a flood of refused begins does not sum a million rows each time."""
    limits(site_quota=10)
    begin(b"1234567890")
    SiteUse.objects.update(counted_at=Now() + timedelta(minutes=1))  # so the test need not be quick
    with CaptureQueriesContext(connection) as asked:
        for _ in range(5):
            assert refused() == "site_full"
    assert not [query for query in asked if "SUM" in query["sql"] and "LIMIT" not in query["sql"]]


def test_a_count_of_the_site_heals_within_a_minute(limits):
    limits(site_quota=100)
    make_row(size=90)
    SiteUse.objects.create(pk=1, bytes=0, counted_at=Now() - timedelta(seconds=61))
    assert refused(content=b"12345678901") == "site_full"
    assert SiteUse.objects.get().bytes == 90


def test_without_a_quota_of_the_site_nothing_counts_it():
    with CaptureQueriesContext(connection) as asked:
        begin()
    assert not [query for query in asked if "siteuse" in query["sql"]]
