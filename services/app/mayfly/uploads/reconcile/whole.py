"""A round at once, in one process, for a person who asks for it. Nothing of it is kept in the table."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ...storage.protocol import UploadStorage
from ..choices import Phase
from ..periodic import Round
from .findings import Findings
from .rounds import Slice

# A report names this many differences of each sort, and counts all.
NAMED = 1000


@dataclass(slots=True)
class Report:
    """The result of a round: its counts, and the ids or keys of the first NAMED differences of each sort."""

    round: Round = field(default_factory=Round)
    rows_without_object: list[str] = field(default_factory=list)
    objects_without_row: list[str] = field(default_factory=list)
    transfers_without_row: list[str] = field(default_factory=list)

    def notice(self, findings: Findings) -> None:
        """Keep the names of these findings, as long as there is room."""
        for names, more in (
            (self.rows_without_object, findings.rows_without_object),
            (self.objects_without_row, findings.objects_without_row),
            (self.transfers_without_row, findings.transfers_without_row),
        ):
            names += more[: NAMED - len(names)]


class Braked(Exception):
    """Reconcile would remove too much at once, so it has removed nothing. `report` has its findings."""

    def __init__(self, report: Report):
        super().__init__(report.round.why_stopped)
        self.report = report


def reconcile(
    *, storage: UploadStorage, dry_run: bool = False, after_slice: Callable[[Round], None] = lambda _: None
) -> Report:
    """Compare table and storage from the first key to the last, and remove what is on one side only.

    A dry run only counts. `after_slice` is called with the round every few seconds. Safe to repeat, and to run beside
    the periodic round.

    Raises:
        Braked: too much would go, so nothing does. A wrong bucket or a restored database looks like that.
        StorageError: storage does not answer; the rest is left as it is.
    """
    report = Report()
    part = Slice(report.round, storage, record=lambda _: None, notice=report.notice)
    while not report.round.is_over and not (dry_run and report.round.phase == Phase.REMOVING):
        part.run()
        after_slice(report.round)
    if report.round.phase == Phase.STOPPED:
        raise Braked(report)
    return report
