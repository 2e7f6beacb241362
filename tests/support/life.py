"""A model of uploads, compared with table and storage after every step of a test by hypothesis."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from hypothesis.stateful import RuleBasedStateMachine, invariant

from mayfly.storage.folder.storage import FolderUploadStorage
from mayfly.storage.protocol import StorageError
from mayfly.uploads.choices import STANDING, Kind, State
from mayfly.uploads.limits import limits
from mayfly.uploads.models import Upload

from .making import forget

BOXES = ["one" * 7, "two" * 7]
ADDRESSES = ["here", "there"]
# A part has few bytes, so that nine bytes are an image of three parts.
PART = 4
BOX_QUOTA, ADDRESS_QUOTA, KEPT = 40, 60, 2
LOOKED_AT = ["box", "address", "state", "name", "title", "size", "transfer_id", "removed_at"]


@dataclass
class Known:
    """The expected state of one upload."""

    pk: str
    box: str
    address: str
    kind: Kind
    content: bytes
    transfer_id: str
    state: State | None = State.PENDING  # None: its row is deleted
    was_ready: bool = False
    parts: dict[int, bytes] = field(default_factory=dict)
    whole: bool = False  # its bytes are an object
    lost: bool = False  # the object vanished from storage
    over: bool = False  # its deadline has passed
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
    """The folder, which removes nothing on bad days."""

    def __init__(self, storage: FolderUploadStorage):
        self.storage, self.well = storage, True

    def __getattr__(self, name):
        return getattr(self.storage, name)

    def abort_transfers(self, key: str) -> None:
        if not self.well:
            raise StorageError("time-out")
        self.storage.abort_transfers(key)

    def close_transfers(self, keys, *, seconds: float) -> dict[str, str]:
        return self.storage.close_transfers(keys, seconds=seconds) if self.well else dict.fromkeys(keys, "time-out")

    def remove(self, keys) -> dict[str, str]:
        return self.storage.remove(keys) if self.well else dict.fromkeys(keys, "InternalError")


class Model(RuleBasedStateMachine):
    """Uploads of two boxes from two addresses, and the state that each ought to have."""

    folder: Path
    numbers = count()

    def __init__(self):
        super().__init__()
        forget(Upload.objects.all())
        self.storage = Moody(FolderUploadStorage(self.folder / str(next(self.numbers))))
        self.storage.prepare()
        self.known: dict[str, Known] = {}
        self.strays: set[str] = set()  # keys of objects without a row
        self.open_strays: set[str] = set()  # keys of transfers without a row
        self.old: set[str] = set()  # the keys of both kinds that are days old

    def row(self, known: Known) -> Upload:
        """Its row; if that is deleted, as it was when a client's request read it."""
        begun = {"box": known.box, "kind": known.kind, "size": len(known.content), "part_size": PART}
        row = Upload.objects.filter(pk=known.pk).first()
        return row or Upload(pk=known.pk, transfer_id=known.transfer_id, **begun)

    def standing(self, box: str) -> list[Known]:
        return [known for known in self.known.values() if known.box == box and known.stands]

    def used(self, **of) -> int:
        [(name, value)] = of.items()
        return sum(len(k.content) for k in self.known.values() if k.stands and getattr(k, name) == value)

    def fits(self, box: str, address: str, size: int) -> bool:
        return self.used(box=box) + size <= BOX_QUOTA and self.used(address=address) + size <= ADDRESS_QUOTA

    def became_ready(self, known: Known) -> None:
        known.state, known.whole, known.was_ready = State.READY, True, True

    def removed(self, known: Known) -> None:
        if not self.storage.well:
            known.state = State.REMOVING
        elif known.was_ready or known.refused:
            known.state = State.GONE
        else:
            known.state = None

    def keep_newest(self, latest: Known) -> None:
        """The newest visible images of the box stay. An expired one may be removed as well."""
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
        """The strays that are old, or whose upload is gone."""
        gone = {known.key for known in self.known.values() if known.state == State.GONE}
        return strays & (gone | self.old)

    @invariant()
    def the_rules_hold(self):
        rows = {row["pk"]: row for row in Upload.objects.values("pk", *LOOKED_AT)}
        assert {pk: row["state"] for pk, row in rows.items()} == {
            known.pk: known.state for known in self.known.values() if known.state
        }
        self.each_box_shows_what_is_ready_and_in_time_newest_first()
        self.no_object_and_no_transfer_is_without_a_row()
        self.nothing_that_is_ready_is_missing_or_another()
        self.what_is_gone_has_no_name(rows.values())
        self.nothing_is_kept_beyond_the_longest_lifetime()
        self.no_quota_is_exceeded(rows.values())

    def each_box_shows_what_is_ready_and_in_time_newest_first(self):
        live = list(Upload.objects.live())
        assert {upload.pk for upload in live} == {known.pk for known in self.known.values() if known.visible}
        assert live == sorted(live, key=lambda upload: (upload.completed_at, upload.pk), reverse=True)
        for box in BOXES:
            assert sum(upload.box == box and upload.kind == Kind.IMAGE for upload in live) <= KEPT

    def no_object_and_no_transfer_is_without_a_row(self):
        standing = {known.key for known in self.known.values() if known.state not in (State.GONE, None)}
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

    def nothing_is_kept_beyond_the_longest_lifetime(self):
        for upload in Upload.objects.live():
            assert upload.expires_at - upload.completed_at == upload.lifetime <= limits.longest_lifetime

    def no_quota_is_exceeded(self, rows):
        for of, quota in ("box", BOX_QUOTA), ("address", ADDRESS_QUOTA):
            standing = Counter()
            for row in rows:
                if row["state"] in STANDING:
                    standing[row[of]] += row["size"]
            assert standing == Counter({value: size for value in standing if (size := self.used(**{of: value}))})
            assert all(size <= quota for size in standing.values())
