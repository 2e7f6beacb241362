"""The deadline of a pending upload: 15 minutes, and more only for bytes that have arrived."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db.models import F
from django.db.models.functions import Now

from mayfly.uploads import lifecycle, parts, receiving
from mayfly.uploads.errors import Gone
from mayfly.uploads.models import Upload
from mayfly.uploads.receiving import Receiver

from ...support.broken import Wrapped, down
from ...support.making import begin
from ...support.transfers import PART

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def upload(limits, monkeypatch) -> Upload:
    """A pending upload of four parts, of which nothing has arrived."""
    monkeypatch.setattr(parts, "PART_SIZE", PART)
    limits(transfer_time=timedelta(hours=6))
    return begin(bytes(4 * PART))


def send(upload: Upload, *numbers: int) -> None:
    for number in numbers:
        storage.write_part(upload.key, upload.transfer_id, number, bytes(PART))


def life(upload: Upload) -> timedelta:
    """From its begin to its deadline."""
    upload.refresh_from_db()
    return upload.expires_at - upload.created_at


def age(upload: Upload, by: timedelta) -> None:
    """As if it had begun earlier by so much."""
    Upload.objects.update(created_at=F("created_at") - by, expires_at=F("expires_at") - by)


def sign(upload: Upload, using=storage) -> None:
    lifecycle.sign_parts(upload, [1], storage=using)


def test_an_upload_without_a_byte_lives_fifteen_minutes(upload):
    """Case 65."""
    for _ in range(3):
        sign(upload)
        lifecycle.arrived(upload, storage=storage)
    assert life(upload) == 15 * MINUTE
    age(upload, 14 * MINUTE)
    sign(upload)
    assert life(upload) == 15 * MINUTE
    age(upload, 2 * MINUTE)
    with pytest.raises(Gone):
        sign(upload)


def test_a_transfer_shorter_than_fifteen_minutes_keeps_its_own_limit(limits):
    limits(transfer_time=5 * MINUTE)
    assert life(begin()) == 5 * MINUTE


def test_the_deadline_moves_by_the_share_that_has_arrived(upload):
    """Case 65: an hour, and that share of six hours."""
    age(upload, 10 * MINUTE)
    send(upload, 2)
    sign(upload)
    assert life(upload) == 150 * MINUTE
    send(upload, 1, 3)
    lifecycle.arrived(upload, storage=storage)
    assert life(upload) == 330 * MINUTE
    send(upload, 4)
    lifecycle.arrived(upload, storage=storage)
    assert life(upload) == 360 * MINUTE


def test_a_part_sent_twice_moves_no_deadline_twice(upload):
    """Case 65."""
    for _ in range(3):
        send(upload, 1)
        lifecycle.arrived(upload, storage=storage)
    assert life(upload) == 150 * MINUTE


def test_a_deadline_never_moves_back(upload):
    send(upload, 1)
    lifecycle.arrived(upload, storage=storage)
    Upload.objects.update(expires_at=F("created_at") + 200 * MINUTE)
    lifecycle.arrived(upload, storage=storage)
    assert life(upload) == 200 * MINUTE


def test_an_expired_upload_is_not_revived(upload):
    send(upload, 1)
    age(upload, 16 * MINUTE)
    for ask in (sign, lambda upload: lifecycle.arrived(upload, storage=storage)):
        with pytest.raises(Gone):
            ask(upload)
    assert life(upload) == 15 * MINUTE


def test_signing_asks_storage_only_near_the_deadline(upload):
    """Case 65: most signatures cost no request to storage."""
    unreachable = Wrapped(parts=lambda *arguments: pytest.fail("asked"))
    sign(upload, unreachable)
    send(upload, 1)
    age(upload, 6 * MINUTE)
    sign(upload)
    sign(upload, unreachable)


def test_signing_goes_on_if_storage_cannot_say_what_has_arrived(upload):
    age(upload, 10 * MINUTE)
    sign(upload, Wrapped(parts=down))
    assert life(upload) == 15 * MINUTE


def test_bytes_that_pass_through_web_keep_their_upload_pending(upload, monkeypatch):
    """Case 65: web sees them arrive, also if they belong to another file of the same form."""
    clock = [0.0]
    monkeypatch.setattr(receiving, "monotonic", lambda: clock[0])
    receiver = Receiver(upload, storage=storage)
    age(upload, 10 * MINUTE)
    receiver.write(b"1")
    assert life(upload) == 15 * MINUTE
    clock[0] = 61
    receiver.keep()
    assert life(upload) > 24 * MINUTE
    age(upload, 340 * MINUTE)
    Upload.objects.update(expires_at=Now() + MINUTE)
    clock[0] = 122
    receiver.write(b"1")
    assert life(upload) == 360 * MINUTE
