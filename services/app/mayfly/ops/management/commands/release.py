"""`manage.py release`: the work to do once before a new version's processes start."""

from time import monotonic, sleep
from typing import Any, cast

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from ....storage.default import uploads_storage
from ....storage.protocol import StorageError, Unreachable
from ....storage.s3 import statics
from ....storage.s3.storage import S3UploadStorage
from ....uploads.locks import advisory_lock

# A server of S3 beside us may start when we do. LocalStack takes 5 s for it, and more while the others start.
STORAGE_SECONDS = 60
PAUSE = 0.5  # seconds between two attempts


class Command(BaseCommand):
    """Heroku also runs it at every change of a config var, so it must be quick when there is nothing to do."""

    help = "Check the settings, migrate the database, prepare storage. Safe to repeat, and to run twice at once."

    def handle(self, **options: Any) -> None:
        if settings.DEPLOY_CHECK:
            call_command("check", deploy=True, fail_level="WARNING", stdout=self.stdout)
        try:
            with advisory_lock("release"):
                self.migrate()
                self.report("storage", self.prepare_storage())
                if settings.STATIC_STORAGE == "s3":
                    tree = cast(ManifestStaticFilesStorage, staticfiles_storage)
                    self.report("static files", statics.publish(S3UploadStorage(**settings.STATIC_BUCKET), tree))
        except OperationalError as error:
            raise CommandError(f"the database does not answer: {error}") from error
        except StorageError as error:
            raise CommandError(f"storage could not be made ready: {error}") from error

    def migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            # All or nothing. By default Django commits some tables before it records the migration, and a release that
            # is cut off in between could never migrate again. SQLite checks its constraints afterwards.
            with connection.constraint_checks_disabled(), transaction.atomic():
                call_command("migrate", interactive=False, stdout=self.stdout)
        else:
            self.report("database", [])

    def prepare_storage(self) -> list[str]:
        """Prepare storage as soon as something listens there. Raises StorageError."""
        end = monotonic() + STORAGE_SECONDS
        while True:
            try:
                return uploads_storage.prepare()
            except Unreachable:
                if monotonic() >= end:
                    raise
            sleep(PAUSE)

    def report(self, part: str, changes: list[str]) -> None:
        for change in changes or ["nothing to do"]:
            self.stdout.write(f"{part}: {change}")
