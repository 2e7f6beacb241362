"""`manage.py periodic`: beat's schedule without a broker."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest
from celery.exceptions import NotRegistered
from django.conf import settings
from django.core.files.storage import default_storage as storage
from django.core.management import call_command
from django.db import connections

from mayfly.ops.management.commands import periodic
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.uploads.periodic import Heartbeat

from ...support.making import expire
from ...support.samples import PNG
from ...support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_signals_and_signs_of_life(monkeypatch, tmp_path) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run_until(holds: Callable[[], object], *, number: int = signal.SIGTERM, seconds: float = 20) -> None:
    """Run the command, and send this process a signal as soon as `holds()` is true; fail after `seconds`."""

    def watch() -> None:
        try:
            until(holds, seconds=seconds)
        finally:
            connections.close_all()
            os.kill(os.getpid(), number)

    watcher = Thread(target=watch)
    watcher.start()
    call_command("periodic")
    watcher.join()


def scheduled(monkeypatch, *entries: periodic.Entry) -> None:
    monkeypatch.setattr(periodic, "schedule", lambda: list(entries))


def entry(task: Callable[..., object], *, seconds: float = 0.01) -> periodic.Entry:
    return periodic.Entry("test", task, seconds)


def test_periodic_uses_the_schedule_that_beat_reads():
    entries = {entry.name: entry for entry in periodic.schedule()}
    assert entries.keys() == settings.CELERY_BEAT_SCHEDULE.keys()
    for name, line in settings.CELERY_BEAT_SCHEDULE.items():
        assert entries[name].task.name == line["task"]
        assert entries[name].seconds == line["schedule"]
    assert entries["sweep"].kwargs == {"from_beat": True}


def test_an_unknown_task_in_the_schedule_is_an_error(monkeypatch):
    monkeypatch.setattr(settings, "CELERY_BEAT_SCHEDULE", {"sweep": {"task": "uploads.tasks.swept", "schedule": 5}})
    with pytest.raises(NotRegistered, match=r"uploads\.tasks\.swept"):
        call_command("periodic")


def test_uploads_expire_and_previews_are_made_without_a_broker(owner, tmp_path):
    due = expire(owner.upload())
    image = Upload.objects.get(pk=owner.upload(PNG, kind="image")["id"])
    marks = {"beat", "sweep", "reconcile"}
    # Previews are looked for every 30 s. On a busy machine the first attempt may take too long, and be given up.
    run_until(lambda: marks <= Heartbeat.ages().keys() and storage.length(image.preview_key) is not None, seconds=100)
    assert Upload.objects.get(pk=due.pk).state == State.GONE
    assert storage.length(due.key) is None
    assert Path(tmp_path, "periodic.alive").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_task_finishes_after_a_signal_and_no_other_begins(monkeypatch, number):
    began, finished = [], []

    def slow() -> None:
        began.append(time.monotonic())
        time.sleep(0.3)
        finished.append(time.monotonic())

    scheduled(monkeypatch, entry(slow))
    run_until(lambda: began, number=number)
    assert len(began) == len(finished) == 1


def test_a_slow_task_delays_no_other(monkeypatch):
    others = []
    free = Event()
    scheduled(monkeypatch, entry(free.wait), entry(lambda: others.append(1)))

    def three_times() -> bool:
        if len(others) >= 3:
            free.set()
        return free.is_set()

    run_until(three_times)


def test_a_failed_task_is_logged_and_called_again(monkeypatch, caplog):
    calls = []

    def fail() -> None:
        calls.append(1)
        raise RuntimeError("storage is away")

    scheduled(monkeypatch, entry(fail))
    run_until(lambda: len(calls) >= 3)
    failures = [record for record in caplog.records if record.message == "test failed"]
    assert len(failures) >= 3
    assert "storage is away" in caplog.text


def gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]


def test_a_task_keeps_its_schedule_and_never_overlaps_itself():
    began, stop = [], Event()

    def task() -> None:
        began.append(time.monotonic())
        time.sleep(0.1)
        if len(began) == 4:
            stop.set()

    periodic.Entry("test", task, 0.2).repeat(stop)
    assert 0.19 < min(gaps(began)) < 0.3  # counted from the beginning of a call, not from its end

    began.clear()
    stop.clear()
    periodic.Entry("test", task, 0.01).repeat(stop)
    assert min(gaps(began)) >= 0.1


def test_each_task_closes_its_database_connection(monkeypatch):
    used = []

    def task() -> None:
        Heartbeat.ages()
        used.append(connections["default"])

    scheduled(monkeypatch, entry(task))
    run_until(lambda: used)
    assert used[0].connection is None
