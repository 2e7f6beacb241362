"""Protected uploads: the gate lets no stranger past a password, and no more of them than a limit allows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db import connection

from mayfly.uploads import lifecycle, opening
from mayfly.uploads.choices import End
from mayfly.uploads.errors import Gone, Locked, Unconfirmed
from mayfly.uploads.limits import DOWNLOAD_URL_LIFETIME
from mayfly.uploads.models import Upload
from mayfly.uploads.opening import Visitor

from ...support.broken import Wrapped, down
from ...support.making import expire, ready

pytestmark = pytest.mark.django_db(transaction=True)


def guarded(**columns) -> Upload:
    upload = ready(lifetime=timedelta(minutes=15))
    Upload.objects.filter(pk=upload.pk).update(**columns)
    upload.refresh_from_db()
    return upload


def take(upload: Upload, visitor: Visitor | None = None) -> opening.Taken:
    return opening.take_download(upload.pk, visitor or Visitor(), storage=storage)


def test_a_locked_upload_opens_for_its_owner_and_a_pass_alone():
    upload = guarded(password="a hash")
    passes = {upload.pk: upload.pass_value}
    for visitor in (Visitor(), Visitor(box="b" * 22), Visitor(passes={"u" * 22: upload.pass_value})):
        with pytest.raises(Locked) as locked:
            opening.open_upload(upload.pk, visitor)
        assert locked.value.expires_at == upload.expires_at
    for visitor in (Visitor(box=upload.box), Visitor(passes=passes)):
        assert opening.open_upload(upload.pk, visitor) == upload


def test_another_password_ends_all_passes():
    upload = guarded(password="a hash")
    passes = {upload.pk: upload.pass_value}
    Upload.objects.filter(pk=upload.pk).update(password="another hash")
    with pytest.raises(Locked):
        opening.open_upload(upload.pk, Visitor(passes=passes))


@pytest.mark.parametrize("columns", [{"password": "a hash"}, {"downloads_most": 3}])
def test_a_guarded_download_has_to_be_confirmed(columns):
    upload = guarded(**columns)
    with pytest.raises(Unconfirmed):
        opening.download_url(upload.pk, Visitor(passes={upload.pk: upload.pass_value}), storage=storage)
    assert opening.download_url(upload.pk, Visitor(box=upload.box), storage=storage)


def test_fifty_takers_at_once_get_three_of_three():
    """Cases 36, 97."""
    upload = guarded(downloads_most=3)

    def one(_: int) -> bool:
        try:
            return bool(take(upload))
        except Gone:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(one, range(50))) == 3
    upload.refresh_from_db()
    assert upload.downloads_taken == 3
    assert upload.ended == End.TAKEN


def test_the_last_take_leaves_a_minute_and_the_receipt():
    upload = guarded(downloads_most=1)
    assert take(upload)
    left = Upload.objects.live().with_time_left().get(pk=upload.pk).time_left
    assert timedelta(0) < left <= DOWNLOAD_URL_LIFETIME
    with pytest.raises(Gone):
        opening.open_upload(upload.pk, Visitor())
    assert take(upload, Visitor(taken=frozenset([upload.pk]))).again  # the one who took it goes on
    assert take(upload, Visitor(box=upload.box))
    expire(upload)
    lifecycle.sweep(storage=storage)
    upload.refresh_from_db()
    assert (upload.ended, opening.is_removed(upload), upload.downloads_taken) == (End.TAKEN, True, 1)


def test_the_deadline_never_moves_back_with_the_last_take():
    upload = guarded(downloads_most=1)
    Upload.objects.filter(pk=upload.pk).update(expires_at=upload.completed_at + timedelta(seconds=20))
    take(upload)
    upload.refresh_from_db()
    assert upload.expires_at == upload.completed_at + timedelta(seconds=20)


def test_nothing_is_taken_while_storage_does_not_answer():
    upload = guarded(downloads_most=1)
    with pytest.raises(Exception, match="time-out"):
        opening.take_download(upload.pk, Visitor(), storage=Wrapped(length=down))
    assert take(upload)


def test_a_limited_upload_shows_others_no_contents():
    upload = guarded(downloads_most=1, has_preview=True, has_lines=True)
    storage.put(upload.preview_key, b"the lines", content_type="text/plain")
    for visitor, lines in ((Visitor(), ""), (Visitor(box=upload.box), "the lines")):
        assert opening.first_lines(upload, visitor, storage=storage) == lines
        assert bool(opening.preview_url(upload.pk, visitor, storage=storage)) == bool(lines)
        assert bool(opening.describe_preview(upload.pk, visitor, storage=storage)) == bool(lines)


def test_a_receipt_keeps_no_password():
    upload = guarded(password="a hash")
    lifecycle.remove(upload, storage=storage)
    upload.refresh_from_db()
    assert upload.password == ""
