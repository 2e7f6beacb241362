"""The release step: `manage.py release`."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from mayfly.ops.management.commands import release as command
from mayfly.storage.protocol import StorageError, Unreachable

from ...support.broken import storage_class

pytestmark = pytest.mark.django_db(transaction=True)


def release() -> str:
    out = StringIO()
    try:
        call_command("release", stdout=out)
    finally:
        connection.close()
    return out.getvalue()


def test_a_second_release_reports_nothing_to_do():
    release()
    assert release() == "database: nothing to do\nstorage: nothing to do\n"


def test_parallel_releases_do_not_disturb_each_other():
    with ThreadPoolExecutor(3) as pool:
        assert all("nothing to do" in out for out in pool.map(lambda _: release(), range(3)))


def test_a_release_recovers_from_one_that_was_cut_off(monkeypatch):
    def cut_off(*_):
        raise OperationalError("the connection is gone")

    call_command("migrate", "uploads", "zero", verbosity=0)
    with monkeypatch.context() as patch:
        patch.setattr(MigrationRecorder, "record_applied", cut_off)
        with pytest.raises(CommandError):
            release()
    release()
    assert release() == "database: nothing to do\nstorage: nothing to do\n"


def test_a_release_without_storage_fails_in_one_line(monkeypatch):
    def down(self):
        raise StorageError("the bucket does not answer")

    monkeypatch.setattr(storage_class(), "prepare", down)
    with pytest.raises(CommandError, match="storage could not be made ready: the bucket does not answer"):
        release()


def test_a_release_waits_for_storage_that_is_starting(monkeypatch):
    answers = iter([Unreachable("connection refused"), Unreachable("connection refused"), ["Created the bucket."]])

    def starting(self):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(command, "PAUSE", 0)
    monkeypatch.setattr(storage_class(), "prepare", starting)
    assert release() == "database: nothing to do\nstorage: Created the bucket.\n"


def test_a_release_waits_for_storage_no_longer_than_a_minute(monkeypatch):
    def down(self):
        raise Unreachable("connection refused")

    monkeypatch.setattr(command, "STORAGE_SECONDS", 0)
    monkeypatch.setattr(storage_class(), "prepare", down)
    with pytest.raises(CommandError, match="storage could not be made ready: connection refused"):
        release()


def test_a_release_with_careless_settings_fails_and_names_them(settings):
    settings.DEPLOY_CHECK = True
    settings.DEBUG = True
    with pytest.raises(CommandError, match="DEBUG set to True in deployment"):
        release()


def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
