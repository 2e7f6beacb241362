"""Any interleaving of the events of uploads keeps the rules.

hypothesis makes the same examples in every run, and reports a failure with the steps that lead there.
"""

import os
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db.models.functions import Now
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import TransferNotFound
from mayfly.uploads import lifecycle, opening, parts
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import Kind, State
from mayfly.uploads.errors import Gone, NotAllowed, PartsMissing, Refused
from mayfly.uploads.ids import new_id
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload
from mayfly.uploads.opening import Visitor
from mayfly.uploads.receiving import Receiver
from mayfly.uploads.reconcile import Braked

from ...support.fuzzing import BOUNDED
from ...support.life import ADDRESS_QUOTA, ADDRESSES, BOX_QUOTA, BOXES, KEPT, PART, Known, Model
from ...support.making import expire
from ...support.samples import PNG
from ...support.waiting import a_moment_later

pytest_plugins = ["tests.support.storages"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fuzz, pytest.mark.slow]

SIGNATURE = PNG[:8]
SELDOM = st.sampled_from([False, False, False, True])
TURNS = ["well", "well", "soon over", "too late", "too long", "no image", "lost"]
LONG_AGO = timedelta(days=3).total_seconds()


class Life(Model):
    """Everything that can happen to uploads, in any order."""

    begun, done = Bundle("begun"), Bundle("done")
    uploads = begun | done

    # what a client does

    @rule(
        target=begun,
        box=st.sampled_from(BOXES),
        address=st.sampled_from(ADDRESSES),
        kind=st.sampled_from(Kind),
        size=st.integers(0, 14),
        honest=st.booleans(),
    )
    def begin(self, box, address, kind, size, honest):
        content = bytes(range(65, 65 + size))
        if kind == Kind.IMAGE and honest:
            content = SIGNATURE + content[8:] if size >= 8 else SIGNATURE
        arguments = {"box": box, "address": address, "kind": kind, "name": "a.txt", "size": len(content)}
        if not content or not self.fits(box, address, len(content)):
            with pytest.raises(NotAllowed):
                lifecycle.begin(**arguments, storage=self.storage)
            return multiple()
        upload = lifecycle.begin(**arguments, storage=self.storage)
        known = self.known[upload.pk] = Known(upload.pk, box, address, kind, content, upload.transfer_id)
        return known

    @rule(known=begun, number=st.integers(1, 5), extra=st.integers(-2, 2), right=st.booleans())
    def send_part(self, known, number, extra, right):
        """Send a part to an upload in any state, because a client may have kept the URL."""
        content = known.part(number)
        if not right or not content:
            content = b"?" * max(len(content) + extra, 0)
        if known.state == State.PENDING and not known.whole:
            self.storage.write_part(known.key, known.transfer_id, number, content)
            known.parts[number] = content
        elif known.state != State.REMOVING:  # some of its bytes may still be in storage
            with pytest.raises(TransferNotFound):
                self.storage.write_part(known.key, known.transfer_id, number, content)

    @rule(known=begun, number=st.integers(-1, 5))
    def sign(self, known, number):
        if known.state != State.PENDING or known.over:
            with pytest.raises(Gone):
                lifecycle.sign_parts(self.row(known), [number], storage=self.storage)
        elif number not in known.numbers:
            with pytest.raises(NotAllowed):
                lifecycle.sign_parts(self.row(known), [number], storage=self.storage)
        else:
            [signed] = lifecycle.sign_parts(self.row(known), [number], storage=self.storage)
            assert (signed.number, signed.size) == (number, len(known.part(number)))

    @rule(known=begun, too_long=SELDOM)
    def send_all(self, known, too_long):
        """Send every part, perhaps the last one a byte too long."""
        if known.state == State.PENDING and not known.whole:
            for number in known.numbers:
                content = known.part(number) + b"?" * (too_long and number == known.numbers[-1])
                self.storage.write_part(known.key, known.transfer_id, number, content)
                known.parts[number] = content

    @rule(known=begun, late=SELDOM)
    def complete(self, known, late):
        if late:
            self.expire(known)
        content = b"".join(known.parts[number] for number in sorted(known.parts))
        missing = [number for number in known.numbers if number not in known.parts]
        if known.state == State.PENDING and not known.whole and missing:
            with pytest.raises(PartsMissing) as error:
                lifecycle.complete(self.row(known), storage=self.storage)
            assert error.value.numbers == missing
            return
        try:
            upload = lifecycle.complete(self.row(known), storage=self.storage)
        except Refused:
            if known.state == State.PENDING:
                image = content.startswith(SIGNATURE)
                assert not known.as_declared or (known.kind == Kind.IMAGE and not image)
                known.whole = known.whole or known.as_declared
                known.refused = True
                self.removed(known)
            assert known.refused
        except Gone:
            if known.state == State.PENDING:
                assert known.over
                known.whole = True
            else:
                assert not known.visible
        else:
            if known.state == State.PENDING:
                assert known.as_declared
                assert not known.over
                self.became_ready(known)
                self.keep_newest(known)
            assert known.state == State.READY
            assert upload.pk == known.pk

    @rule(
        target=done,
        box=st.sampled_from(BOXES),
        kind=st.sampled_from(Kind),
        turns=st.lists(st.sampled_from(TURNS), max_size=3),
    )
    def upload(self, box, kind, turns):
        """The whole main job, several times, with good and bad turns. No sweep has seen the expired ones yet."""
        began = []
        for turn in turns:
            known = self.begin(box, ADDRESSES[0], kind, len(SIGNATURE), turn != "no image")
            if isinstance(known, Known):
                self.send_all(known, turn == "too long")
                self.complete(known, turn == "too late")
                if turn == "soon over":
                    self.expire(known)
                if turn == "lost":
                    self.storage_loses_an_object(known)
                    self.download(known)
                began.append(known)
        return multiple(*began)

    @rule(
        target=done,
        box=st.sampled_from(BOXES),
        address=st.sampled_from(ADDRESSES),
        declared=st.integers(1, 14),
        sent=st.integers(0, 14),
        whole=st.booleans(),
    )
    def stream(self, box, address, declared, sent, whole):
        """A form, whose declared size is an upper bound, or curl, whose size is exact."""
        if not self.fits(box, address, declared):
            return multiple()
        arguments = {"box": box, "address": address, "kind": Kind.FILE, "name": "a.txt", "size": declared}
        upload = lifecycle.begin(**arguments, storage=self.storage)
        known = self.known[upload.pk] = Known(upload.pk, box, address, Kind.FILE, bytes(sent), upload.transfer_id)
        receiver = Receiver(upload, storage=self.storage)
        try:
            for _ in range(sent):
                receiver.write(b"\0")
            receiver.finish(whole=whole)
        except NotAllowed:
            assert sent > declared
            receiver.cancel()
            self.removed(known)
        except Refused:
            assert sent == 0 or (whole and sent < declared)
            known.refused = True
            self.removed(known)
        else:
            assert sent == declared or (not whole and 0 < sent < declared)
            known.parts = {number: known.part(number) for number in known.numbers}
            self.became_ready(known)
        return known

    @rule(known=uploads)
    def download(self, known):
        if known.visible and not known.lost:
            assert opening.download_url(known.pk, Visitor(), storage=self.storage)
            return
        with pytest.raises(Gone):
            opening.download_url(known.pk, Visitor(), storage=self.storage)
        if known.visible:
            self.removed(known)

    @rule(known=uploads, times=st.integers(1, 2))
    def remove(self, known, times):
        for _ in range(times):
            assert lifecycle.remove(self.row(known), storage=self.storage) == known.stands
            if known.stands:
                self.removed(known)

    @rule(known=uploads, minutes=st.integers(-1, 800), title=st.sampled_from([None, "", "new"]))
    def change(self, known, minutes, title):
        """Its owner changes it, or keeps it longer. No upload gets back what it has lost, or lives too long."""
        upload, lifetime = self.row(known), timedelta(minutes=minutes)
        if not known.stands or known.over:
            with pytest.raises(Gone):
                lifecycle.change(upload, title=title, lifetime=limits.lifetime)
            upload.lifetime = limits.lifetime
            assert not lifecycle.keep(upload)
        elif 1 < minutes <= limits.longest_lifetime // timedelta(minutes=1):
            changed = lifecycle.change(upload, title=title, lifetime=lifetime)
            assert changed.lifetime == lifetime
            assert changed.title == (upload.title if title is None else title)
        else:
            with pytest.raises(NotAllowed):
                lifecycle.change(upload, title=title, lifetime=lifetime)

    @rule(known=uploads)
    def keep(self, known):
        upload = self.row(known)
        upload.lifetime = upload.lifetime or limits.lifetime
        more = lifecycle.more(upload.lifetime)
        assert lifecycle.keep(upload) == (known.visible and bool(more))
        if known.visible:
            assert self.row(known).lifetime - upload.lifetime == timedelta(minutes=more)

    @rule(box=st.sampled_from(BOXES), kind=st.sampled_from([None, *Kind]))
    def clear(self, box, kind):
        going = [known for known in self.standing(box) if kind in (None, known.kind)]
        assert lifecycle.clear(box=box, kind=kind, storage=self.storage).removed == len(going)
        for known in going:
            self.removed(known)

    # what time and the outside world do

    @rule(known=uploads)
    def expire(self, known):
        if known.stands:
            expire(self.row(known))
            known.over = True

    @rule(ill=SELDOM)
    def storage_falls_ill_or_gets_well(self, ill):
        self.storage.well = not ill

    @rule(known=uploads)
    def storage_loses_an_object(self, known):
        if known.state == State.READY:
            self.storage.storage.remove([known.key])
            known.lost = True

    @rule(old=st.booleans(), transfer=st.booleans())
    def storage_holds_what_nobody_knows_of(self, old, transfer):
        self.stray(f"uploads/{new_id()}", old=old, transfer=transfer)

    @rule(known=uploads, transfer=st.booleans())
    def storage_holds_again_what_is_gone(self, known, transfer):
        if known.state == State.GONE and known.key not in self.strays | self.open_strays:
            # The removal must be older than a reconcile that begins within the same millisecond.
            Upload.objects.filter(pk=known.pk).update(removed_at=Now() - timedelta(seconds=1))
            self.stray(known.key, old=False, transfer=transfer)

    def stray(self, key: str, *, old: bool, transfer: bool) -> None:
        storage = self.storage.storage
        transfer_id = storage.open_transfer(key, content_type=OCTETS)
        path = Path(storage.location).with_name("transfers") / quote(key, safe="") / transfer_id
        if not transfer:
            storage.complete_transfer(key, transfer_id, [storage.write_part(key, transfer_id, 1, b"stray")])
            path = Path(storage.path(key))
        if old:
            os.utime(path, (time.time() - LONG_AGO,) * 2)
            self.old.add(key)
        (self.open_strays if transfer else self.strays).add(key)

    # what runs by itself

    @rule()
    def sweep(self):
        due = [known for known in self.known.values() if known.over and known.stands]
        going = due + [known for known in self.known.values() if known.state == State.REMOVING]
        removed = lifecycle.sweep(storage=self.storage).removed
        for known in going:
            self.removed(known)
        assert removed == sum(known.state in (State.GONE, None) for known in going)

    @rule(dry_run=st.booleans(), most=st.sampled_from([0, 1, 100]))
    @precondition(lambda self: self.storage.well)
    def reconcile(self, dry_run, most):
        visible = [known for known in self.known.values() if known.visible]
        lost = {known.pk for known in visible if known.lost}
        objects = [found.key for found in self.storage.objects("uploads/")]
        transfers = [found.key for found in self.storage.transfers("uploads/")]
        strays, open_strays = self.to_go(self.strays), self.to_go(self.open_strays)
        limits.reconcile_most = most
        excess = bool(lost) and len(lost) == len(visible)
        excess |= any(
            len(going) > max(len(there) // 10, most)
            for going, there in ((lost, visible), (strays, objects), (open_strays, transfers))
        )
        a_moment_later()
        try:
            report = comparison.reconcile(storage=self.storage, dry_run=dry_run)
            assert not excess
        except Braked as braked:
            report = braked.report
            assert excess
        assert set(report.rows_without_object) == lost
        assert set(report.objects_without_row) == strays
        assert set(report.transfers_without_row) == open_strays
        if not dry_run and not excess:
            for pk in lost:
                self.removed(self.known[pk])
            self.strays -= strays
            self.open_strays -= open_strays

    @rule()
    @precondition(lambda self: self.storage.well)
    def slice_of_reconcile(self):
        """Its findings may be from before any of the other events. The rules of the model show what else it removes."""
        lost = [known for known in self.known.values() if known.visible and known.lost]
        strays, open_strays = self.to_go(self.strays), self.to_go(self.open_strays)
        a_moment_later()
        comparison.go_on(storage=self.storage, every=timedelta(0))
        for known in lost:
            if self.row(known).state != State.READY:
                self.removed(known)
        self.strays -= strays - {found.key for found in self.storage.objects("uploads/")}
        self.open_strays -= open_strays - {found.key for found in self.storage.transfers("uploads/")}


def test_any_interleaving_of_events_keeps_the_rules(monkeypatch, tmp_path):
    monkeypatch.setattr(parts, "MiB", 1)
    monkeypatch.setattr(parts, "PART_SIZE", PART)
    few = {"box_quota": BOX_QUOTA, "address_quota": ADDRESS_QUOTA, "images_kept": KEPT}
    monkeypatch.setattr(limits, "reconcile_most", limits.reconcile_most)  # put back after `reconcile` has changed it
    for name, value in few.items():
        monkeypatch.setattr(limits, name, value)
    monkeypatch.setattr(Life, "folder", tmp_path, raising=False)
    run_state_machine_as_test(Life, settings=settings(BOUNDED, max_examples=20, stateful_step_count=30))
