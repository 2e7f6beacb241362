"""How sizes and times are shown."""

from datetime import timedelta

import pytest
from django.utils.translation import override

from mayfly.pages import formats
from mayfly.uploads.models import Upload


@pytest.mark.parametrize(
    ("left", "lifetime", "shown"),
    [
        (898, 900, "15 minutes"),
        (841, 900, "15 minutes"),
        (839, 900, "13 minutes"),
        (600, 900, "10 minutes"),
        (599.9, 900, "9:59"),
        (61, 900, "1:01"),
        (9.5, 900, "0:09"),
        (-3, 900, "0:00"),
        (299.5, 300, "4:59"),
        (7198, 7200, "2 hours"),
        (7130, 7200, "118 minutes"),
        (43_100, 43_200, "11 hours"),
    ],
)
def test_the_time_left_is_rounded_up_at_first_and_counted_at_last(left, lifetime, shown):
    upload = Upload(lifetime=timedelta(seconds=lifetime))
    upload.time_left = timedelta(seconds=left)
    with override("en"):
        assert formats.left(upload, "en") == shown


@pytest.mark.parametrize(("left", "soon"), [(899.9, True), (896, True), (894, False), (100, False), (1800, False)])
def test_a_preview_is_asked_for_sooner_while_its_upload_is_new(left, soon):
    upload = Upload(lifetime=timedelta(minutes=15))
    upload.time_left = timedelta(seconds=left)
    assert formats.looks(upload).endswith("every 2s")
    assert formats.looks(upload).startswith("load delay:300ms") == soon
