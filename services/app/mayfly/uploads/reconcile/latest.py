"""The periodic round, which is kept in the table: any worker takes it on from where the last slice ended."""

import logging
from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from ...storage.protocol import UploadStorage
from ..choices import Phase
from ..periodic import Round
from .rounds import Slice

logger = logging.getLogger(__name__)


class Overtaken(Exception):
    """Another process has taken the round on since it was read."""


def go_on(*, storage: UploadStorage, every: timedelta) -> Round | None:
    """Take the round on by one slice; begin one if the last began `every` ago. None if none is due.

    May run several times at once: each step is one conditional UPDATE, which one process wins before it removes
    anything. A slice that is killed is repeated from its last step.

    Raises:
        Overtaken: another process does the same at this moment.
        StorageError: storage does not answer; the next slice goes on from the same key.
    """
    current = _current(every)
    if current is not None:
        Slice(current, storage, record=_record, notice=lambda _: None).run()
        if current.phase == Phase.STOPPED:
            logger.error("reconcile has removed nothing, because too much would go: %s", current.why_stopped)
    return current


def status() -> str:
    """The progress and the age of the latest round, in words. They name no upload."""
    latest = Round.objects.first()
    if latest is None:
        return "has not begun"
    age, pause = _seconds_since("began_at"), _seconds_since("stepped_at")
    if latest.is_over:
        why = f": {latest.why_stopped}" if latest.why_stopped else ""
        return f"{latest.phase} {pause:.0f} s ago, after {age - pause:.0f} s{why}"
    return f"{latest.phase} for {age:.0f} s, {latest.compared} compared, last step {pause:.0f} s ago"


def _current(every: timedelta) -> Round | None:
    """The round that is under way, or a new one if the last began `every` ago; None if neither."""
    latest = Round.objects.first()
    if latest is None:
        Round.objects.bulk_create([Round(began_at=Now(), stepped_at=Now())], ignore_conflicts=True)
    elif not latest.is_over:
        return latest
    elif _seconds_since("began_at") < every.total_seconds():
        return None
    else:
        _record(Round(step=latest.step, began_at=Now()))
    return Round.objects.get()


def _seconds_since(moment: str) -> float:
    """Seconds since this moment of the latest round, by the database's clock."""
    age = ExpressionWrapper(Now() - F(moment), output_field=DurationField())
    since: timedelta = Round.objects.values_list(age, flat=True)[0]
    return since.total_seconds()


def _record(changed: Round) -> None:
    """Keep this step of the round. Raises Overtaken if another process has kept one since the round was read."""
    values = {
        column.attname: getattr(changed, column.attname)
        for column in Round._meta.concrete_fields
        if not column.primary_key
    }
    values |= {"step": changed.step + 1, "stepped_at": Now()}
    if not Round.objects.filter(pk=changed.pk, step=changed.step).update(**values):
        raise Overtaken
    changed.step += 1
