"""`manage.py reconcile`: compare table and storage, and report the findings."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ....storage.default import uploads_storage
from ....storage.protocol import StorageError
from ...periodic import Round
from ...reconcile import Braked, Report, reconcile, status

BRAKED = 3  # an exit code of its own, by which a script distinguishes the brake from a failure


class Command(BaseCommand):
    help = "Remove what only the table or only storage has. Stops if that is more than a tenth: exit code 3."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only report what would be removed")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        self.stdout.write(f"The periodic round: {status()}.")
        try:
            report = reconcile(storage=uploads_storage, dry_run=dry_run, after_slice=self.show_progress)
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
        if dry_run:
            self.stdout.write("Nothing was removed: this was a dry run.")
        elif report.round.removed == report.round.unmatched:
            self.stdout.write("What did not match was removed.")
        else:
            self.stdout.write(f"{report.round.removed} of {report.round.unmatched} were removed. Run it again.")

    def show_progress(self, current: Round) -> None:
        self.stdout.write(f"{current.phase}, {current.compared} compared, {current.removed} removed")

    def show(self, report: Report) -> None:
        found = report.round
        self.stdout.write(
            f"{found.rows_compared} live rows, {found.objects_compared} objects,"
            f" {found.transfers_compared} open transfers in storage"
        )
        for title, count, names in (
            ("rows without an object", found.rows_unmatched, report.rows_without_object),
            ("objects without a row", found.objects_unmatched, report.objects_without_row),
            ("open transfers without a row", found.transfers_unmatched, report.transfers_without_row),
        ):
            self.stdout.write(f"{count} {title}")
            for name in names:
                self.stdout.write(f"  {name}")
            if count > len(names):
                self.stdout.write(f"  and {count - len(names)} more")
