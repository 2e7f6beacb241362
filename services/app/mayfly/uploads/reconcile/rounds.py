"""A round: it counts what does not match, is judged as a whole, and then removes no more than it has counted.

It remembers the number of its findings, not the findings: the second pass finds them again, and looks at both sides
again at the moment of removal. So a round of any size is one row, and a batch may be cut off anywhere and be repeated.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic

from ...storage.protocol import StorageError, UploadStorage
from .. import lifecycle
from ..choices import End, Phase
from ..limits import limits
from ..models import Upload
from ..periodic import Heartbeat, Round
from .findings import Findings
from .pairs import batches
from .walks import WALKS

logger = logging.getLogger(__name__)

# A slice begins no batch after so many seconds. The last batch takes a few more, unless storage hardly answers: then
# Celery's soft limit of 20 s ends the slice, and the next one repeats the batch.
SLICE_SECONDS = 10


@dataclass(slots=True)
class Slice:
    """One run within a round, which ends with SLICE_SECONDS or with the round's phase.

    `record` keeps a change of the round; if it raises, the slice ends before it removes anything. `notice` gets what a
    batch has, while the round counts.
    """

    round: Round
    storage: UploadStorage
    record: Callable[[Round], None]
    notice: Callable[[Findings], None]
    _began: datetime = field(init=False)
    _until: float = field(init=False)

    def run(self) -> None:
        """Take the round on. Raises StorageError: the round stays where it was, and the next slice goes on there."""
        self._began, self._until = Heartbeat.record("reconcile"), monotonic() + SLICE_SECONDS
        phase = self.round.phase
        while self.round.phase == phase and not self._is_late():
            self._walk()
        if self.round.phase == Phase.COUNTING and self.round.rows_unmatched > limits.reconcile_most:
            self._stop_early()

    def _is_late(self) -> bool:
        return monotonic() > self._until

    def _walk(self) -> None:
        walk = WALKS[self.round.walk]
        for batch in batches(walk.pairs(self.storage, after=self.round.cursor)):
            findings = walk.find(batch, self.storage, began=self._began)
            last = batch[-1].key
            if self.round.phase == Phase.COUNTING:
                self._count(findings)
            else:
                last = self._remove(findings) or last
                if self.round.removed >= self.round.unmatched:
                    self.round.phase = Phase.ENDED
            self.round.cursor = last
            self.record(self.round)
            if self.round.is_over or self._is_late():
                return
        self._end_walk()
        self.record(self.round)

    def _end_walk(self) -> None:
        self.round.walk, self.round.cursor = self.round.walk + 1, ""
        if self.round.walk < len(WALKS):
            return
        self.round.walk = 0
        self.round.why_stopped = excess(self.round) if self.round.phase == Phase.COUNTING else ""
        if self.round.why_stopped:
            self.round.phase = Phase.STOPPED
        elif self.round.phase == Phase.COUNTING and self.round.unmatched:
            self.round.phase = Phase.REMOVING
        else:
            self.round.phase = Phase.ENDED

    def _stop_early(self) -> None:
        """Stop a long count that would end with the brake: storage is asked about each row without an object."""
        rows = max(Upload.objects.live().count(), self.round.rows_compared)
        if self.round.rows_unmatched > max(rows // 10, limits.reconcile_most):
            self.round.why_stopped = f"{self.round.rows_unmatched} and more of {rows}: rows without an object"
            self.round.phase = Phase.STOPPED
            self.record(self.round)

    def _count(self, findings: Findings) -> None:
        self.round.rows_compared += findings.rows
        self.round.objects_compared += findings.objects
        self.round.transfers_compared += findings.transfers
        self.round.rows_unmatched += len(findings.rows_without_object)
        self.round.objects_unmatched += len(findings.objects_without_row)
        self.round.transfers_unmatched += len(findings.transfers_without_row)
        self.notice(findings)

    def _remove(self, findings: Findings) -> str | None:
        """Remove what was found, as far as it was counted. Returns the key at which it stopped early, if it did."""
        due = self._counted(findings)
        if not due.unmatched:
            return None
        # The round is charged first. A process that dies in between removes less than was counted, never more.
        self._charge(due, 1)
        self.record(self.round)
        try:
            left, last = self._put_right(due)
        except StorageError:
            # Rows went first, whatever storage says; the sweep ends their removal.
            self._charge(replace(due, rows_without_object=[]), -1)
            self.record(self.round)
            raise
        self._charge(left, -1)
        return last

    def _counted(self, findings: Findings) -> Findings:
        """As many of these findings as the round has counted and not yet removed; the next round gets the others."""
        rows = self.round.rows_unmatched - self.round.rows_removed
        objects = self.round.objects_unmatched - self.round.objects_removed
        transfers = self.round.transfers_unmatched - self.round.transfers_removed
        return Findings(
            rows_without_object=findings.rows_without_object[:rows],
            objects_without_row=findings.objects_without_row[:objects],
            transfers_without_row=findings.transfers_without_row[:transfers],
        )

    def _charge(self, findings: Findings, times: int) -> None:
        self.round.rows_removed += times * len(findings.rows_without_object)
        self.round.objects_removed += times * len(findings.objects_without_row)
        self.round.transfers_removed += times * len(findings.transfers_without_row)

    def _put_right(self, due: Findings) -> tuple[Findings, str | None]:
        """Remove these. Returns what is left of them, and the key after which there was no time."""
        for pk in due.rows_without_object:
            logger.error("upload %s is ready, and storage does not have it", pk)
        if due.rows_without_object:
            lost = Upload.objects.filter(pk__in=due.rows_without_object)
            lifecycle.remove_all(lost, end=End.LOST, storage=self.storage)
        errors = self.storage.remove(due.objects_without_row) if due.objects_without_row else {}
        for key, why in errors.items():
            logger.warning("%s is not removed: %s", key, why)
        left = Findings(objects_without_row=list(errors))
        for number, key in enumerate(due.transfers_without_row, start=1):
            logger.warning("an open transfer of %s has no upload", key)
            try:
                self.storage.abort_transfers(key)
            except StorageError as error:
                # One transfer that storage does not close must not hold up the round.
                logger.warning("%s: its transfer is still open: %s", key, error)
                left.transfers_without_row.append(key)
            if self._is_late():
                left.transfers_without_row += due.transfers_without_row[number:]
                return left, key
        return left, None


def excess(counted: Round) -> str:
    """The findings of a round that are too many to be believed, in words; empty if there are none."""
    # However few they are: storage without a single one of our uploads is more likely not ours.
    if counted.rows_compared and counted.rows_unmatched == counted.rows_compared:
        return f"{counted.rows_unmatched} of {counted.rows_compared}: rows without an object"
    for what, found, compared in (
        ("rows without an object", counted.rows_unmatched, counted.rows_compared),
        ("objects without a row", counted.objects_unmatched, counted.objects_compared),
        ("transfers without a row", counted.transfers_unmatched, counted.transfers_compared),
    ):
        if found > max(compared // 10, limits.reconcile_most):
            return f"{found} of {compared}: {what}"
    return ""
