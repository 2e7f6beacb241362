"""Any interleaving of what can happen to uploads keeps the rules; any parts in any order make the file.

Found by hypothesis, the same examples at every run: what it finds is reported with the steps that lead there.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db.models.functions import Now
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.storage.headers import OCTETS
from mayfly.storage.protocol import StorageError, TransferNotFound
from mayfly.uploads import lifecycle, opening, parts
from mayfly.uploads import reconcile as comparison
from mayfly.uploads.choices import STANDING, Kind, State
from mayfly.uploads.errors import Gone, NotAllowed, PartsMissing, Refused
from mayfly.uploads.ids import new_id
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload
from mayfly.uploads.receiving import Receiver
from mayfly.uploads.reconcile import Braked

from ..conftest import PNG, a_moment_later, expire
from ..storages import FULL, new_key

pytest_plugins = ["tests.app.storages"]
pytestmark = pytest.mark.django_db(transaction=True)

BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
BOXES = ["one" * 7, "two" * 7]
ADDRESSES = ["here", "there"]
# Bytes are few here, and so are those of a part: nine bytes are an image of three parts.
PART, SIGNATURE = 4, PNG[:8]
BOX_QUOTA, ADDRESS_QUOTA, KEPT = 40, 60, 2
SELDOM = st.sampled_from([False, False, False, True])
TURNS = ["well", "well", "soon over", "too late", "too long", "no image", "lost"]
LOOKED_AT = ["box", "address", "state", "name", "title", "size", "transfer_id", "removed_at"]
LONG_AGO = timedelta(days=3).total_seconds()


@dataclass
class Known:
    """What ought to be true of one upload."""

    pk: str
    box: str
    address: str
    kind: Kind
    content: bytes
    transfer_id: str
    state: State = State.PENDING
    parts: dict[int, bytes] = field(default_factory=dict)
    whole: bool = False  # its bytes are an object
    lost: bool = False  # the object is not there any more, by no doing of ours
    over: bool = False  # its time has come
    refused: bool = False

    @property
    def key(self) -> str:
        return f"uploads/{self.pk}"

    @property
    def stands(self) -> bool:
        return self.state in (State.PENDING, State.READY)

    @property
    def visible(self) -> bool:
        return self.state == State.READY and not self.over

    @property
    def numbers(self) -> range:
        return range(1, -(-len(self.content) // PART) + 1)

    def part(self, number: int) -> bytes:
        return self.content[(number - 1) * PART : number * PART]

    @property
    def as_declared(self) -> bool:
        sizes = {number: len(part) for number, part in self.parts.items()}
        return sizes == {number: len(self.part(number)) for number in self.numbers}


class Moody:
    """The storage, which on bad days removes nothing."""

    def __init__(self, storage: FolderUploadStorage):
        self.storage, self.well = storage, True

    def __getattr__(self, name):
        return getattr(self.storage, name)

    def abort(self, key: str) -> None:
        if not self.well:
            raise StorageError("time-out")
        self.storage.abort_transfers(key)

    def remove(self, keys) -> dict[str, str]:
        return self.storage.remove(keys) if self.well else dict.fromkeys(keys, "InternalError")


class Life(RuleBasedStateMachine):
    """Uploads of two boxes from two addresses, beside a model of them; after every step both are compared."""

    folder: Path
    numbers = count()
    begun, done = Bundle("begun"), Bundle("done")
    uploads = begun | done

    def __init__(self):
        super().__init__()
        Upload.objects.all()._raw_delete(Upload.objects.db)
        self.storage = Moody(FolderUploadStorage(self.folder / str(next(self.numbers))))
        self.storage.prepare()
        self.known: dict[str, Known] = {}
        self.strays: set[str] = set()  # objects that nobody knows of
        self.open_strays: set[str] = set()  # transfers of that kind
        self.old: set[str] = set()  # those of both that have been there for days

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
        """To any upload, whatever became of it: a URL may have been kept."""
        content = known.part(number)
        if not right or not content:
            content = b"?" * max(len(content) + extra, 0)
        if known.state == State.PENDING and not known.whole:
            self.storage.write_part(known.key, known.transfer_id, number, content)
            known.parts[number] = content
        elif known.state != State.REMOVING:  # some of its bytes may still be there
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
        """Every part, the last one perhaps a byte too long."""
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
                known.state, known.whole = State.READY, True
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
        """The whole of the main job, several times, as it turns out: what is soon over, no sweep has seen yet."""
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
        """A form, whose declared size is an upper bound, or curl, whose is exact."""
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
            known.state, known.whole = State.READY, True
        return known

    @rule(known=uploads)
    def download(self, known):
        if known.visible and not known.lost:
            assert opening.download_url(known.pk, storage=self.storage)
            return
        with pytest.raises(Gone):
            opening.download_url(known.pk, storage=self.storage)
        if known.visible:
            self.removed(known)

    @rule(known=uploads, times=st.integers(1, 2))
    def remove(self, known, times):
        for _ in range(times):
            assert lifecycle.remove(self.row(known), storage=self.storage) == known.stands
            if known.stands:
                self.removed(known)

    @rule(box=st.sampled_from(BOXES), kind=st.sampled_from([None, *Kind]))
    def clear(self, box, kind):
        going = [known for known in self.standing(box) if kind in (None, known.kind)]
        assert lifecycle.clear(box=box, kind=kind, storage=self.storage) == len(going)
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
            # So that it went before a reconcile that begins within the same millisecond.
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
        assert removed == sum(known.state == State.GONE for known in going)

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

    # what follows, in the model

    def row(self, known: Known) -> Upload:
        return Upload.objects.get(pk=known.pk)

    def standing(self, box: str) -> list[Known]:
        return [known for known in self.known.values() if known.box == box and known.stands]

    def used(self, **of) -> int:
        [(name, value)] = of.items()
        return sum(len(k.content) for k in self.known.values() if k.stands and getattr(k, name) == value)

    def fits(self, box: str, address: str, size: int) -> bool:
        return self.used(box=box) + size <= BOX_QUOTA and self.used(address=address) + size <= ADDRESS_QUOTA

    def removed(self, known: Known) -> None:
        known.state = State.GONE if self.storage.well else State.REMOVING

    def keep_newest(self, latest: Known) -> None:
        """Of the box's images that people can see, the newest stay; one whose time is over may go as well."""
        if latest.kind == Kind.IMAGE:
            for known in self.newest_images(latest.box)[KEPT:]:
                self.removed(known)
            for known in self.standing(latest.box):
                if known.state == State.READY and known.over and known.kind == Kind.IMAGE:
                    known.state = self.row(known).state

    def newest_images(self, box: str) -> list[Known]:
        at = dict(Upload.objects.filter(completed_at__isnull=False).values_list("pk", "completed_at"))
        images = [k for k in self.known.values() if k.box == box and k.kind == Kind.IMAGE and k.visible]
        return sorted(images, key=lambda known: (at[known.pk], known.pk), reverse=True)

    def to_go(self, strays: set[str]) -> set[str]:
        """Those that are old, or whose upload has gone."""
        gone = {known.key for known in self.known.values() if known.state == State.GONE}
        return strays & (gone | self.old)

    # what has to be true after every step

    @invariant()
    def the_rules_hold(self):
        rows = {row["pk"]: row for row in Upload.objects.values("pk", *LOOKED_AT)}
        assert {pk: row["state"] for pk, row in rows.items()} == {k.pk: k.state for k in self.known.values()}
        self.each_box_shows_what_is_ready_and_in_time_newest_first()
        self.no_object_and_no_transfer_is_without_a_row()
        self.nothing_that_is_ready_is_missing_or_another()
        self.what_is_gone_has_no_name(rows.values())
        self.no_quota_is_exceeded(rows.values())

    def each_box_shows_what_is_ready_and_in_time_newest_first(self):
        live = list(Upload.objects.live())
        assert {upload.pk for upload in live} == {known.pk for known in self.known.values() if known.visible}
        assert live == sorted(live, key=lambda upload: (upload.completed_at, upload.pk), reverse=True)
        for box in BOXES:
            assert sum(upload.box == box and upload.kind == Kind.IMAGE for upload in live) <= KEPT

    def no_object_and_no_transfer_is_without_a_row(self):
        standing = {known.key for known in self.known.values() if known.state != State.GONE}
        assert {found.key for found in self.storage.objects("uploads/")} - standing == self.strays
        assert {found.key for found in self.storage.transfers("uploads/")} - standing == self.open_strays

    def nothing_that_is_ready_is_missing_or_another(self):
        for known in self.known.values():
            if known.state == State.READY and not known.lost:
                expected = b"".join(known.parts[number] for number in known.numbers)
                assert self.storage.first_bytes(known.key, 99) == expected
                assert len(expected) == len(known.content)

    def what_is_gone_has_no_name(self, rows):
        for row in rows:
            if row["state"] == State.GONE:
                assert row["removed_at"]
                assert [row["name"], row["title"], row["address"], row["transfer_id"]] == [""] * 4

    def no_quota_is_exceeded(self, rows):
        for of, quota in ("box", BOX_QUOTA), ("address", ADDRESS_QUOTA):
            standing = Counter()
            for row in rows:
                if row["state"] in STANDING:
                    standing[row[of]] += row["size"]
            assert standing == Counter({value: size for value in standing if (size := self.used(**{of: value}))})
            assert all(size <= quota for size in standing.values())


def test_any_interleaving_of_what_happens_to_uploads_keeps_the_rules(monkeypatch, tmp_path):
    monkeypatch.setattr(parts, "MiB", 1)
    monkeypatch.setattr(parts, "PART_SIZE", PART)
    few = {"box_quota": BOX_QUOTA, "address_quota": ADDRESS_QUOTA, "images_kept": KEPT}
    monkeypatch.setattr(limits, "reconcile_most", limits.reconcile_most)  # put back after `reconcile` has changed it
    for name, value in few.items():
        monkeypatch.setattr(limits, name, value)
    monkeypatch.setattr(Life, "folder", tmp_path, raising=False)
    run_state_machine_as_test(Life, settings=settings(BOUNDED, max_examples=20, stateful_step_count=30))


@st.composite
def transfers(draw, least: int) -> tuple[dict[int, bytes], list[tuple[int, bytes]]]:
    """The parts of a file by number, and what is sent: each of them in some order, others of them before it."""
    numbers = sorted(draw(st.sets(st.integers(1, 10_000), min_size=1, max_size=3)))
    sizes = [least + draw(st.integers(1, 40)) for _ in numbers[:-1]] + [draw(st.integers(1, 40))]
    parts = {number: bytes([number % 256]) * size for number, size in zip(numbers, sizes, strict=True)}
    sent = [
        (number, b"!" * draw(st.integers(0, 40))) for number in draw(st.lists(st.sampled_from(numbers), max_size=3))
    ]
    return parts, sent + [(number, parts[number]) for number in draw(st.permutations(numbers))]


def assert_the_parts_become_the_file(storage, parts, sent, listed) -> None:
    key = new_key()
    transfer_id, there = storage.open_transfer(key, content_type=OCTETS), {}
    for number, content in sent:
        there[number] = storage.write_part(key, transfer_id, number, content)
        assert storage.parts(key, transfer_id) == there
        assert there[number].size == len(content)
    storage.complete_transfer(key, transfer_id, [there[number] for number in listed])
    whole = b"".join(parts[number] for number in sorted(parts))
    assert storage.length(key) == len(whole)
    assert storage.first_bytes(key, len(whole) + 1) == whole
    with pytest.raises(TransferNotFound):
        storage.write_part(key, transfer_id, listed[0], b"late")
    assert [found.key for found in storage.objects(key)] == [key]
    assert storage.remove([key]) == {}
    assert storage.absent([key]) == {key}
    assert [*storage.objects(key), *storage.transfers(key)] == []


@settings(BOUNDED, max_examples=20)
@given(transfer=transfers(least=0), data=st.data())
def test_the_folder_makes_the_file_of_any_parts_in_any_order(local, transfer, data):
    parts, sent = transfer
    assert_the_parts_become_the_file(local, parts, sent, data.draw(st.permutations(sorted(parts))))


@settings(BOUNDED, max_examples=10)
@given(transfer=transfers(least=FULL), data=st.data())
def test_s3_makes_the_file_of_any_parts_in_any_order(s3, transfer, data):
    parts, sent = transfer
    assert_the_parts_become_the_file(s3, parts, sent, data.draw(st.permutations(sorted(parts))))
