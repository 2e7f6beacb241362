"""`make admin` in the stack: the account is in its database, and the password came through a pipe."""

import os
import subprocess

from tools.paths import ROOT

PASSWORD = "four quiet parrots"


def admin(name: str, password: str) -> subprocess.CompletedProcess[str]:
    own = {"ADMIN_NAME": name, "ADMIN_PASSWORD": password}
    return subprocess.run(
        ["python3", ROOT / "bin/admin"], cwd=ROOT, env=os.environ | own, capture_output=True, text=True
    )


def test_make_admin_makes_an_account_in_the_stack(table):
    done = admin("ada", PASSWORD)
    assert done.returncode == 0, done.stderr
    assert "ada has an account now." in done.stdout
    assert "put it into .env and run `make up`" in done.stdout
    assert table("SELECT is_staff, is_superuser FROM auth_user WHERE username = %s", "ada") == [(True, True)]


def test_make_admin_refuses_a_password_that_is_guessed(table):
    done = admin("bob", "password1234")
    assert done.returncode == 1
    assert "too common" in done.stderr
    assert not table("SELECT 1 FROM auth_user WHERE username = %s", "bob")
