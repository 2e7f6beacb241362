"""The life of a bundle: it fills, is completed, kept longer and removed, and its uploads with it, as one."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage as storage
from django.db.models.functions import Now

from mayfly.bundles import lifecycle as bundles
from mayfly.uploads import lifecycle
from mayfly.uploads.bundle import Bundle
from mayfly.uploads.choices import End, Kind, State
from mayfly.uploads.errors import Gone, NotAllowed
from mayfly.uploads.ids import new_id
from mayfly.uploads.lifecycle import joined
from mayfly.uploads.models import Upload

from ...support.making import begin, expire, is_empty, ready, state
from ...support.samples import PNG

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.fixture
def bundle() -> Bundle:
    return bundles.begin(box=new_id(), title="Yesterday", lifetime=HOUR)


def fill(bundle: Bundle, count: int = 2, content: bytes = b"hello", **more) -> list[Upload]:
    return [ready(content, box=bundle.box, bundle=bundle.pk, **more) for _ in range(count)]


def complete(bundle: Bundle) -> Bundle:
    return bundles.complete(bundle, storage=storage)


def again(upload: Upload) -> Upload:
    return Upload.objects.with_time_left().get(pk=upload.pk)


def look_now() -> None:
    """Let the next sweep look at every bundle."""
    Bundle.objects.update(look_at=Now())
    lifecycle.sweep(storage=storage)


def test_a_complete_gives_all_uploads_one_deadline(bundle):
    uploads = fill(bundle)
    Upload.objects.filter(pk=uploads[0].pk).update(expires_at=Now() + timedelta(minutes=1))
    complete(bundle)
    deadlines = {again(upload).expires_at for upload in uploads}
    assert deadlines == {bundle.expires_at}
    assert abs(bundle.completed_at + HOUR - bundle.expires_at) < timedelta(seconds=1)
    assert {again(upload).lifetime for upload in uploads} == {HOUR}
    first = bundle.expires_at
    assert complete(bundle).expires_at == first  # a second call finds it complete


def test_a_complete_bundle_takes_no_upload_and_keeps_no_transfer(bundle):
    fill(bundle, 1)
    late = begin(box=bundle.box, bundle=bundle.pk)
    complete(bundle)
    assert state(late) is None
    assert is_empty(late)
    with pytest.raises(NotAllowed) as refused:
        begin(box=bundle.box, bundle=bundle.pk)
    assert refused.value.code == "bundle_closed"


def test_a_bundle_of_another_box_takes_no_upload(bundle):
    with pytest.raises(NotAllowed):
        begin(bundle=bundle.pk)
    assert not Upload.objects.filter(bundle=bundle.pk).exists()


def test_an_empty_bundle_cannot_be_completed(bundle):
    begin(box=bundle.box, bundle=bundle.pk)
    with pytest.raises(NotAllowed) as refused:
        complete(bundle)
    assert refused.value.code == "bundle_empty"


def test_what_is_ready_waits_while_the_others_arrive():
    short = bundles.begin(box=new_id(), lifetime=timedelta(seconds=30))
    first = fill(short, 1)[0]
    assert again(first).time_left > joined.WAIT - timedelta(minutes=1)
    Upload.objects.filter(pk=first.pk).update(expires_at=Now() + timedelta(minutes=1))
    other = begin(box=short.box, bundle=short.pk)
    assert again(first).time_left > joined.WAIT - timedelta(minutes=1)
    Upload.objects.filter(pk=first.pk).update(expires_at=Now() + timedelta(minutes=1))
    lifecycle.sign_parts(other, [1], storage=storage)
    assert again(first).time_left > joined.WAIT - timedelta(minutes=1)
    complete(short)
    assert again(first).time_left <= timedelta(seconds=30)


def test_uploads_of_a_bundle_that_is_never_completed_expire_by_themselves(bundle):
    uploads = fill(bundle)
    for upload in uploads:
        expire(upload)
    lifecycle.sweep(storage=storage)
    assert {state(upload) for upload in uploads} == {State.GONE}
    assert all(is_empty(upload) for upload in uploads)


def test_a_bundle_is_kept_longer_with_all_its_uploads(bundle):
    uploads = fill(bundle)
    assert not bundles.keep(bundle)  # before it is complete, nothing would move
    complete(bundle)
    before = bundle.expires_at
    stale = Bundle.objects.get(pk=bundle.pk)
    assert bundles.keep(bundle)
    assert not bundles.keep(stale)  # pressed twice at once
    bundle.refresh_from_db()
    assert bundle.expires_at == before + lifecycle.STEP
    assert {again(upload).expires_at for upload in uploads} == {bundle.expires_at}
    assert not lifecycle.keep(again(uploads[0]))
    with pytest.raises(NotAllowed):
        lifecycle.change(again(uploads[0]), lifetime=HOUR)


def test_a_change_of_the_lifetime_moves_all_deadlines(bundle):
    uploads = fill(bundle)
    complete(bundle)
    bundles.change(bundle, title="Today", lifetime=2 * HOUR)
    assert (bundle.title, bundle.lifetime) == ("Today", 2 * HOUR)
    assert {again(upload).expires_at for upload in uploads} == {bundle.completed_at + 2 * HOUR}
    with pytest.raises(NotAllowed):
        bundles.change(bundle, lifetime=timedelta(seconds=1))
    assert {again(upload).expires_at for upload in uploads} == {bundle.completed_at + 2 * HOUR}


@pytest.mark.parametrize("is_complete", [True, False])
def test_a_removal_takes_all_of_a_bundle(bundle, is_complete):
    uploads = fill(bundle)
    if is_complete:
        complete(bundle)
    else:
        uploads.append(begin(box=bundle.box, bundle=bundle.pk))
    bundles.remove(bundle, storage=storage)
    assert all(is_empty(upload) for upload in uploads)
    assert {state(upload) for upload in uploads} <= {State.GONE, None}
    with pytest.raises(NotAllowed):
        begin(box=bundle.box, bundle=bundle.pk)
    with pytest.raises(Gone):
        complete(bundle)


def test_clear_of_one_kind_takes_whole_bundles(bundle):
    image = fill(bundle, 1, PNG, kind=Kind.IMAGE)[0]
    file = fill(bundle, 1)[0]
    beside = ready(box=bundle.box)
    complete(bundle)
    cleared = lifecycle.clear(box=bundle.box, kind=Kind.IMAGE, storage=storage)
    assert cleared.removed == 2
    assert (state(image), state(file), state(beside)) == (State.GONE, State.GONE, State.READY)


def test_clear_of_a_box_closes_its_open_bundles(bundle):
    lifecycle.clear(box=bundle.box, storage=storage)
    with pytest.raises(NotAllowed):
        begin(box=bundle.box, bundle=bundle.pk)


def test_a_bundle_counts_as_one_among_the_newest_images(bundle):
    alone = [ready(PNG, kind=Kind.IMAGE, box=bundle.box) for _ in range(2)]
    uploads = fill(bundle, 5, PNG, kind=Kind.IMAGE)
    complete(bundle)
    assert Upload.objects.of(bundle.box).live().count() == 7
    newer = ready(PNG, kind=Kind.IMAGE, box=bundle.box)
    assert state(alone[0]) == State.GONE
    assert Upload.objects.of(bundle.box).live().count() == 7
    more = [ready(PNG, kind=Kind.IMAGE, box=bundle.box) for _ in range(2)]
    live = set(Upload.objects.of(bundle.box).live().values_list("pk", flat=True))
    assert live == {newer.pk, *(upload.pk for upload in more)}
    assert {again(upload).ended for upload in uploads} == {End.NEWER}
    assert Bundle.objects.get(pk=bundle.pk).ended == End.NEWER


def test_an_empty_bundle_goes_and_one_with_receipts_keeps_no_title(bundle, limits):
    empty = bundles.begin(box=bundle.box)
    fill(bundle, 1)
    complete(bundle)
    look_now()
    assert list(Bundle.objects.values_list("pk", "title")) == [(bundle.pk, "Yesterday")]
    bundles.remove(bundle, storage=storage)
    look_now()
    assert list(Bundle.objects.values_list("pk", "title", "address")) == [(bundle.pk, "", "")]
    limits(receipt_time=timedelta(0))
    lifecycle.sweep(storage=storage)
    look_now()
    assert not Bundle.objects.exists()
    assert not Bundle.objects.filter(pk=empty.pk).exists()


def test_a_removed_upload_brings_the_look_at_its_bundle_forward(bundle):
    uploads = fill(bundle, 1)
    complete(bundle)
    lifecycle.sweep(storage=storage)
    lifecycle.remove(uploads[0], storage=storage)
    lifecycle.sweep(storage=storage)
    assert Bundle.objects.get(pk=bundle.pk).title == ""


def test_a_look_is_bounded(monkeypatch):
    monkeypatch.setattr(joined, "LOOKED_AT", 2)
    box = new_id()
    for _ in range(5):
        bundles.begin(box=box)
    Bundle.objects.update(look_at=Now())
    joined.look_after_bundles(until=0)
    assert Bundle.objects.count() == 3


def test_open_bundles_of_a_box_and_of_an_address_are_limited(limits):
    limits(box_uploads=2, address_uploads=3)
    box = new_id()
    for _ in range(2):
        bundles.begin(box=box, address="here")
    with pytest.raises(NotAllowed) as refused:
        bundles.begin(box=box, address="there")
    assert refused.value.code == "bundle_count"
    bundles.begin(box=new_id(), address="here")
    with pytest.raises(NotAllowed):
        bundles.begin(box=new_id(), address="here")


def test_a_bundle_has_a_most_of_uploads(bundle, monkeypatch):
    monkeypatch.setattr(joined, "BUNDLE_UPLOADS", 2)
    fill(bundle, 2)
    with pytest.raises(NotAllowed) as refused:
        begin(box=bundle.box, bundle=bundle.pk)
    assert refused.value.code == "bundle_full"
