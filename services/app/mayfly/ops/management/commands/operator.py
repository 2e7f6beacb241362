"""`manage.py operator NAME`: make an account for the admin, or give an account another password."""

import getpass
import sys
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = (
        "Make an account that takes uploads down at /admin/, or give an account that exists another password. "
        "Asks for the password; without a terminal, standard input has it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="for the login")

    def handle(self, *, name: str, **options: Any) -> None:
        account = User.objects.filter(username=name).first()
        made = account is None
        account = account or User(username=name, is_staff=True, is_superuser=True)
        password = _password()
        try:
            account.full_clean(exclude=["password"])
            validate_password(password, account)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        account.set_password(password)
        account.save()
        self.stdout.write(f"{name} has an account now." if made else f"{name} has a new password now.")
        if not settings.ADMIN:
            self.stdout.write(
                "The admin at /admin/ opens with ADMIN=True: put it into .env and run `make up`, or run "
                "`ADMIN=True make run`."
            )


def _password() -> str:
    """The password as it was typed twice, or the first line of standard input if that is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise CommandError("The two differ. Run the command once more.")
    return password
