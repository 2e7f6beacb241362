"""`manage.py release`: what has to be done once before a new version's processes start."""

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from uploads.models import alone
from uploads.storage import statics
from uploads.storage.protocol import StorageError
from uploads.storage.s3 import S3UploadStorage


class Command(BaseCommand):
    """Heroku runs it at every change of a config var too, so with nothing to do it has to be quick."""

    help = "Check the settings, migrate the database, make storage ready. Safe to repeat, and to run twice at once."

    def handle(self, **options) -> None:
        if settings.DEPLOY_CHECK:
            call_command("check", deploy=True, fail_level="WARNING", stdout=self.stdout)
        try:
            with alone("release"):
                self.migrate()
                self.tell("storage", default_storage.prepare())
                if settings.STATIC_STORAGE == "s3":
                    storage = S3UploadStorage(**settings.STATIC_BUCKET)
                    self.tell("static files", statics.publish(storage, staticfiles_storage))
        except OperationalError as error:
            raise CommandError(f"the database does not answer: {error}") from error
        except StorageError as error:
            raise CommandError(f"storage could not be made ready: {error}") from error

    def migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            # All or nothing: by itself, Django commits some tables before it notes that they are there, and whoever
            # is cut off between the two can never migrate again. SQLite looks at its constraints afterwards.
            with connection.constraint_checks_disabled(), transaction.atomic():
                call_command("migrate", interactive=False, stdout=self.stdout)
        else:
            self.tell("database", [])

    def tell(self, part: str, changes: list[str]) -> None:
        for change in changes or ["nothing to do"]:
            self.stdout.write(f"{part}: {change}")
