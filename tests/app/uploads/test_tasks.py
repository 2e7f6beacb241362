"""Celery's tasks and its configuration."""

import pytest
from django.conf import settings
from django.core.files.storage import default_storage as storage

from mayfly.celery import app
from mayfly.previews.tasks import preview, waiting_previews
from mayfly.uploads import tasks
from mayfly.uploads.choices import State
from mayfly.uploads.models import Upload
from mayfly.uploads.periodic import Heartbeat

from ...support.making import expire

pytestmark = pytest.mark.django_db


def test_the_sweep_removes_due_uploads_and_records_its_run(owner):
    upload = expire(owner.upload())
    tasks.sweep(from_beat=True)
    assert Upload.objects.get().state == State.GONE
    assert storage.length(upload.key) is None
    assert set(Heartbeat.ages()) == {"beat", "sweep"}


def test_beat_sends_a_sweep_every_5_s_and_drops_old_ones():
    entry = app.conf.beat_schedule["sweep"]
    assert entry["task"] == tasks.sweep.name
    assert entry["schedule"] == 5
    assert entry["options"]["expires"] <= 10


def test_beat_polls_for_waiting_previews_and_drops_old_polls():
    entry = app.conf.beat_schedule["preview"]
    assert entry["task"] == waiting_previews.name
    assert entry["schedule"] == (30 if settings.REDIS_URL else 2)
    assert entry["options"]["expires"] <= 2 * entry["schedule"]


def test_removal_and_previews_have_separate_queues():
    router = app.amqp.router
    assert router.route({}, tasks.sweep.name)["queue"].name == "removal"
    for task in (preview, waiting_previews, tasks.reconcile):
        assert router.route({}, task.name)["queue"].name == "previews"


def test_a_message_survives_the_death_of_its_worker():
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.worker_soft_shutdown_timeout == 20


def test_every_task_ends_between_sigterm_and_sigkill():
    app.loader.import_default_modules()
    ours = [task for task in app.tasks.values() if task.__module__.startswith("mayfly.")]
    assert {task.name.partition(".")[0] for task in ours} == {"uploads", "previews", "webhooks", "abuse"}
    assert all((task.time_limit or app.conf.task_time_limit) < 30 for task in ours)


def test_celery_accepts_only_json_and_keeps_no_result():
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.result_backend is None
    assert app.conf.task_ignore_result


def test_a_message_is_redelivered_only_after_the_longest_task():
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] > app.conf.task_time_limit
