"""What Celery runs, and how it is told to run it."""

import pytest
from django.conf import settings
from django.core.files.storage import default_storage as storage

from mayfly.celery import app
from mayfly.previews.tasks import preview, waiting_previews
from mayfly.uploads import tasks
from mayfly.uploads.choices import State
from mayfly.uploads.models import Heartbeat, Upload

from ..conftest import expire

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_sweep_removes_what_is_due_and_leaves_its_mark(owner):
    upload = expire(owner.upload())
    tasks.sweep(from_beat=True)
    assert Upload.objects.get().state == State.GONE
    assert storage.length(upload.key) is None
    assert set(Heartbeat.ages()) == {"beat", "sweep"}


def test_beat_sends_the_sweep_every_five_seconds_and_an_old_one_is_dropped():
    entry = app.conf.beat_schedule["sweep"]
    assert entry["task"] == tasks.sweep.name
    assert entry["schedule"] == 5
    assert entry["options"]["expires"] <= 10


def test_beat_polls_for_waiting_previews_and_an_old_poll_is_dropped():
    entry = app.conf.beat_schedule["preview"]
    assert entry["task"] == waiting_previews.name
    assert entry["schedule"] == (30 if settings.REDIS_URL else 2)
    assert entry["options"]["expires"] <= 2 * entry["schedule"]


def test_removal_and_previews_have_queues_of_their_own():
    router = app.amqp.router
    assert router.route({}, tasks.sweep.name)["queue"].name == "removal"
    for task in (preview, waiting_previews, tasks.reconcile):
        assert router.route({}, task.name)["queue"].name == "previews"


def test_a_message_survives_a_worker_that_dies():
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.worker_soft_shutdown_timeout == 20


def test_every_task_ends_within_the_time_between_sigterm_and_sigkill():
    ours = [task for task in app.tasks.values() if task.__module__.startswith("mayfly.")]
    assert len(ours) == 4
    assert all((task.time_limit or app.conf.task_time_limit) < 30 for task in ours)


def test_only_json_is_read_and_no_result_is_kept():
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.result_backend is None
    assert app.conf.task_ignore_result


def test_a_message_comes_back_only_after_the_longest_task():
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] > app.conf.task_time_limit
