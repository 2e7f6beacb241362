"""`manage.py release`: what has to be done once before a new version's processes start."""

from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from uploads.models import alone
from uploads.storage.protocol import StorageError


class Command(BaseCommand):
    help = "Migrate the database and make storage ready. Safe to repeat, and to run twice at once."

    def handle(self, **options) -> None:
        try:
            with alone("release"):
                self.migrate()
                changes = default_storage.prepare()
        except OperationalError as error:
            raise CommandError(f"the database does not answer: {error}") from error
        except StorageError as error:
            raise CommandError(f"storage could not be made ready: {error}") from error
        for change in changes or ["storage: nothing to do"]:
            self.stdout.write(change)

    def migrate(self) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            # All or nothing: by itself, Django commits some tables before it notes that they are there, and whoever
            # is cut off between the two can never migrate again. SQLite looks at its constraints afterwards.
            with connection.constraint_checks_disabled(), transaction.atomic():
                call_command("migrate", interactive=False, stdout=self.stdout)
        else:
            self.stdout.write("database: nothing to do")
