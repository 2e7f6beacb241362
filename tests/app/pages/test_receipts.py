"""The receipt of an upload that is gone: why it went and when, in words that need no knowledge of storage."""

import re

import pytest
from django.core.files.storage import default_storage as storage
from django.test import Client

from mayfly.uploads import lifecycle
from mayfly.uploads.choices import End
from mayfly.uploads.models import Upload

from ...support.images import image
from ...support.making import expire
from .helpers import page

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = re.compile(r'<dt>(.*?)</dt><dd><time datetime="(.*?)"')
EARLY = "Would have expired"


def receipt(pk: str) -> dict[str, str]:
    """The moments of a receipt, by their words, as a stranger reads them."""
    return dict(ROWS.findall(page(Client().get(f"/u/{pk}/"))))


def test_a_receipt_says_that_its_owner_deleted_it_and_when(owner):
    pk = owner.upload()["id"]
    owner.browser.post(f"/u/{pk}/delete")
    row = Upload.objects.get(pk=pk)
    assert receipt(pk) == {
        "Deleted by its owner": row.removing_since.isoformat(),
        EARLY: row.expires_at.isoformat(),
        "Deleted from storage": row.removed_at.isoformat(),
    }


def test_a_clear_deletes_in_the_owner_s_name(owner):
    pks = [owner.upload()["id"], owner.upload()["id"]]
    owner.browser.post("/files/clear/")
    for pk in pks:
        assert "Deleted by its owner" in receipt(pk)


def test_an_expired_upload_says_no_more_than_that(owner):
    pk = owner.upload()["id"]
    expire(Upload.objects.get(pk=pk))
    lifecycle.sweep(storage=storage)
    assert list(receipt(pk)) == ["Expired", "Deleted from storage"]


def test_an_upload_that_is_deleted_after_its_time_has_expired(owner):
    upload = expire(owner.upload())
    lifecycle.remove(upload, storage=storage)
    upload.refresh_from_db()
    assert upload.ended == End.EXPIRED
    assert list(receipt(upload.pk)) == ["Expired", "Deleted from storage"]


def test_the_fourth_image_says_that_it_took_the_place_of_the_first(owner):
    first, *_ = [image(owner) for _ in range(4)]
    assert list(receipt(first.pk))[:2] == ["Replaced by a newer image", EARLY]


def test_a_lost_object_is_not_said_to_be_deleted_by_its_owner(owner):
    upload = Upload.objects.get(pk=owner.upload()["id"])
    storage.remove([upload.key])
    assert Client().get(f"/u/{upload.pk}/download").status_code == 410
    assert list(receipt(upload.pk))[:2] == ["Found to be missing from storage", EARLY]


@pytest.mark.parametrize(
    ("end", "words"),
    [(End.OPERATOR, "Deleted by the operator of this site"), (End.REFUSED, "Deleted, because it cannot be shown")],
)
def test_other_ends_have_words_of_their_own(owner, end, words):
    upload = Upload.objects.get(pk=owner.upload()["id"])
    lifecycle.remove(upload, end=end, storage=storage)
    assert words in receipt(upload.pk)


@pytest.mark.parametrize(("late", "words"), [(False, EARLY), (True, "Expired")])
def test_a_receipt_without_a_reason_compares_its_times(owner, late, words):
    upload = Upload.objects.get(pk=owner.upload()["id"])
    if late:
        expire(upload)
    lifecycle.remove(upload, storage=storage)
    Upload.objects.update(ended="")
    assert list(receipt(upload.pk)) == [words, "Deleted from storage"]


def test_every_moment_waits_for_the_reader_s_own_clock(owner):
    pk = owner.upload()["id"]
    owner.browser.post(f"/u/{pk}/delete")
    text = page(Client().get(f"/u/{pk}/"))
    assert text.count("<time ") == text.count('data-at="second"') == 3
    assert "Checked afterwards</dt><dd>nothing of it is left in storage" in text
