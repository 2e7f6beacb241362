"""Changes by the owner of an upload that is there: its title, and how long it is kept."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db.models import F

from mayfly.uploads import lifecycle, opening
from mayfly.uploads.choices import State
from mayfly.uploads.errors import Gone, NotAllowed
from mayfly.uploads.models import Upload
from mayfly.uploads.opening import Visitor

from ...support.making import arrive, begin, expire, ready

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


def life(upload: Upload) -> timedelta:
    """From its completion to its deadline."""
    upload.refresh_from_db()
    assert upload.expires_at - upload.completed_at == upload.lifetime
    return upload.lifetime


def age(upload: Upload, by: timedelta) -> None:
    """As if it had come earlier by so much."""
    Upload.objects.update(completed_at=F("completed_at") - by, expires_at=F("expires_at") - by)
    upload.refresh_from_db()


def test_a_ready_upload_expires_a_lifetime_after_it_came():
    upload = ready()
    age(upload, 5 * MINUTE)
    changed = lifecycle.change(upload, lifetime=60 * MINUTE)
    assert life(upload) == changed.lifetime == 60 * MINUTE
    lifecycle.change(upload, lifetime=10 * MINUTE)
    assert life(upload) == 10 * MINUTE


def test_a_pending_upload_gets_its_lifetime_when_it_is_ready():
    upload = begin()
    deadline = upload.expires_at
    lifecycle.change(upload, lifetime=60 * MINUTE, title=" a  title ")
    upload.refresh_from_db()
    assert (upload.expires_at, upload.state, upload.title) == (deadline, State.PENDING, "a  title")
    assert life(lifecycle.complete(arrive(upload), storage=storage)) == 60 * MINUTE


def test_a_change_during_a_completion_is_kept(monkeypatch):
    """The completion has read the row before the change."""
    upload = arrive(begin())
    beginning = storage.beginning

    def change_first(key, count):
        lifecycle.change(Upload.objects.get(pk=upload.pk), lifetime=60 * MINUTE)
        return beginning(key, count)

    monkeypatch.setattr(type(storage._wrapped), "beginning", lambda self, key, count: change_first(key, count))
    assert life(lifecycle.complete(upload, storage=storage)) == 60 * MINUTE


def test_a_title_changes_alone():
    upload = ready(title="old")
    assert lifecycle.change(upload, title="new").title == "new"
    assert life(upload) == 15 * MINUTE
    assert lifecycle.change(upload, title="").title == ""
    assert lifecycle.change(upload).title == ""


@pytest.mark.parametrize("minutes", [0, -1, 721])
def test_no_change_goes_beyond_the_longest_lifetime(minutes):
    upload = ready()
    with pytest.raises(NotAllowed):
        lifecycle.change(upload, lifetime=minutes * MINUTE)
    assert life(upload) == 15 * MINUTE


def test_a_deadline_moves_no_nearer_than_signed_urls_live():
    """Case 33: a URL that was signed before the change would outlive the upload."""
    upload = ready()
    age(upload, 5 * MINUTE)
    for lifetime in (MINUTE, 5 * MINUTE, 6 * MINUTE):
        with pytest.raises(NotAllowed) as error:
            lifecycle.change(upload, lifetime=lifetime, title="new")
        assert error.value.field == "lifetime"
    assert life(upload) == 15 * MINUTE
    assert upload.title == ""
    lifecycle.change(upload, lifetime=6.1 * MINUTE)
    age(upload, MINUTE)
    lifecycle.change(upload, lifetime=6.2 * MINUTE)
    assert life(upload) == 6.2 * MINUTE


@pytest.mark.parametrize("make", [begin, ready])
def test_what_has_expired_or_was_removed_does_not_come_back(make):
    """Case 33."""
    upload = expire(make())
    for over in (upload, Upload(pk="x" * 22, lifetime=15 * MINUTE)):
        for changes in ({}, {"title": "new"}, {"lifetime": 60 * MINUTE}):
            with pytest.raises(Gone):
                lifecycle.change(over, **changes)
        assert not lifecycle.keep(over)
    assert Upload.objects.get(pk=upload.pk).expires_at == upload.expires_at
    lifecycle.remove(upload, storage=storage)
    with pytest.raises(Gone):
        lifecycle.change(upload, lifetime=60 * MINUTE)


def test_keep_adds_fifteen_minutes_up_to_the_longest_lifetime(limits):
    limits(longest_lifetime=40 * MINUTE)
    upload = ready()
    for minutes, more in ((15, 15), (30, 10), (40, 0), (40, 0)):
        assert life(upload) == minutes * MINUTE
        assert lifecycle.more(upload.lifetime) == more
        assert lifecycle.keep(upload) == bool(more)


def test_keep_pressed_twice_at_once_counts_once():
    upload = ready()
    both = [Upload.objects.get(pk=upload.pk) for _ in range(2)]
    assert [lifecycle.keep(each) for each in both] == [True, False]
    assert life(upload) == 30 * MINUTE


def test_signed_urls_follow_the_new_deadline(monkeypatch):
    upload = ready()
    age(upload, 14.5 * MINUTE)
    signed = []
    monkeypatch.setattr(
        type(storage._wrapped), "sign_download", lambda self, *_, lifetime, **more: signed.append(lifetime)
    )
    for change in (lambda: None, lambda: lifecycle.keep(upload)):
        change()
        opening.download_url(upload.pk, Visitor(), storage=storage)
    assert signed[0] <= 0.5 * MINUTE
    assert signed[1] == MINUTE
