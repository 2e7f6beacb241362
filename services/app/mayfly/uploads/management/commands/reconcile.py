"""`manage.py reconcile`: compare table and storage, and report the findings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ....storage.default import uploads_storage
from ....storage.protocol import StorageError
from ...reconcile import Braked, Report, reconcile

BRAKED = 3  # an exit code of its own, by which a script distinguishes the brake from a failure


class Command(BaseCommand):
    help = "Remove what only the table or only storage has. Stops if that is more than a tenth: exit code 3."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only report what would be removed")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        try:
            report = reconcile(storage=uploads_storage, dry_run=dry_run)
        except Braked as braked:
            self.show(braked.report)
            raise CommandError(
                f"nothing was removed: {braked}, which is too much to be believed."
                " Is this the right bucket, and the right database?",
                returncode=BRAKED,
            ) from braked
        except StorageError as error:
            raise CommandError(f"stopped, to be run again: storage does not answer: {error}") from error
        self.show(report)
        self.stdout.write("Nothing was removed: this was a dry run." if dry_run else "What did not match was removed.")

    def show(self, report: Report) -> None:
        self.stdout.write(
            f"{report.rows} live rows, {report.objects} objects, {report.transfers} open transfers in storage"
        )
        for title, found in (
            ("rows without an object", report.rows_without_object),
            ("objects without a row", report.objects_without_row),
            ("open transfers without a row", report.transfers_without_row),
        ):
            self.stdout.write(f"{len(found)} {title}")
            for name in found:
                self.stdout.write(f"  {name}")
