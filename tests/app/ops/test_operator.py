"""`manage.py operator` makes accounts for the admin, with passwords that are not guessed."""

import io

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from mayfly.ops.management.commands import operator

pytestmark = pytest.mark.django_db
GOOD = "four quiet parrots"


@pytest.fixture
def give(monkeypatch):
    """Run the command with this password on standard input. Returns what it says."""

    def run(name: str, password: str) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        said = io.StringIO()
        call_command("operator", name, stdout=said)
        return said.getvalue()

    return run


def test_the_command_makes_an_account_that_can_log_in(give, client):
    assert give("ada", GOOD) == "ada has an account now.\n"
    answer = client.post("/admin/login/", {"username": "ada", "password": GOOD, "next": "/admin/"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert client.get("/admin/uploads/upload/").status_code == 200


def test_the_command_gives_an_account_another_password(give, client):
    give("ada", GOOD)
    assert give("ada", "five quiet parrots") == "ada has a new password now.\n"
    assert User.objects.get().check_password("five quiet parrots")


@pytest.mark.parametrize("password", ["", "short", "123456789012345", "password1234", "ada.lovelace"])
def test_the_command_refuses_a_password_that_is_guessed(give, password):
    with pytest.raises(CommandError, match="password"):
        give("ada.lovelace", password)
    assert not User.objects.exists()


def test_the_command_refuses_a_name_that_no_login_takes(give):
    with pytest.raises(CommandError, match="username"):
        give("a b\n", GOOD)


def test_the_command_says_what_opens_the_admin(give, settings):
    settings.ADMIN = False
    assert "opens with ADMIN=True: put it into .env and run `make up`" in give("ada", GOOD)


@pytest.mark.parametrize("second", [GOOD, "something else"])
def test_a_password_is_typed_twice(monkeypatch, second):
    typed = iter([GOOD, second])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(operator.getpass, "getpass", lambda prompt: next(typed))
    if second == GOOD:
        call_command("operator", "ada", stdout=io.StringIO())
        assert User.objects.get().check_password(GOOD)
    else:
        with pytest.raises(CommandError, match="The two differ"):
            call_command("operator", "ada")
