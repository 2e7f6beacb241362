"""`make admin` makes the account where Mayfly runs: in the stack, or in what `make run` keeps."""

from .conftest import Checkout

MANAGE = "import os, sys; print(sys.argv[1:], input(), os.environ.get('DATABASE_URL'))"
GIVEN = {"ADMIN_NAME": "ada", "ADMIN_PASSWORD": "four quiet parrots"}


def with_stack(checkout: Checkout) -> None:
    checkout.fake("docker", {"compose ps *": "echo 4f5e", "compose exec *": 'read -r word; echo "$word" >heard'})


def with_run(checkout: Checkout) -> None:
    checkout.write(".run/data/db.sqlite3", "")
    checkout.write("services/app/manage.py", MANAGE)


def test_admin_makes_an_account_in_the_stack(checkout):
    with_stack(checkout)
    assert checkout.run("admin", **GIVEN).returncode == 0
    assert "docker compose exec --no-TTY web python manage.py operator ada" in checkout.calls()
    assert (checkout.folder / "heard").read_text() == "four quiet parrots\n"
    assert "parrots" not in "".join(checkout.calls())


def test_admin_makes_an_account_in_what_run_keeps(installed):
    with_run(installed)
    said = installed.run("admin", **GIVEN).stdout
    assert said == f"['operator', 'ada'] four quiet parrots sqlite:///{installed.folder}/.run/data/db.sqlite3\n"


def test_admin_means_run_while_a_stack_is_up_if_it_is_told_so(installed):
    with_stack(installed)
    with_run(installed)
    assert "'ada'" in installed.run("admin", "--run", **GIVEN).stdout
    assert not installed.calls("docker compose exec")


def test_admin_fails_if_the_account_is_refused(checkout):
    checkout.fake("docker", {"compose ps *": "echo 4f5e", "compose exec *": "exit 1"})
    assert checkout.run("admin", **GIVEN).returncode == 1


def test_admin_needs_something_to_log_in_to(checkout):
    checkout.fake("docker")
    assert "Run `make up` or `make run` first." in checkout.refuses("admin", **GIVEN)


def test_admin_without_docker_and_without_run_says_what_to_start(checkout):
    assert "Run `make up` or `make run` first." in checkout.refuses("admin", PATH=str(checkout.commands), **GIVEN)
