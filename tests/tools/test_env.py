"""bin/env: the file .env, written once and never written over."""

import stat

import pytest

from .conftest import Checkout

DESCRIBED = """
# What it is for.
NAME=mayfly
PORT=8080
PASSWORD=generated
LOGIN=me:generated
ADDRESS=http://${NAME}:${PASSWORD}@localhost:${PORT}
#OTHER=1
"""


@pytest.fixture
def described(checkout: Checkout) -> Checkout:
    checkout.write(".env.var", DESCRIBED)
    return checkout


def test_the_real_description_gives_a_file_with_every_variable(checkout):
    assert "Wrote .env with secrets of its own" in checkout.run("env").stdout
    written = checkout.variables()
    assert written.keys() == checkout.variables(checkout.folder / ".env.var").keys()
    assert not [value for value in written.values() if "generated" in value or "${" in value]


def test_secrets_are_random_and_references_follow_them(described):
    described.run("env")
    described.run("env", "--output", "second")
    first, second = described.variables(), described.variables(described.folder / "second")
    assert first["PASSWORD"] != second["PASSWORD"]
    assert len(first["PASSWORD"]) > 40
    assert first["LOGIN"].startswith("me:")
    assert first["ADDRESS"] == f"http://mayfly:{first['PASSWORD']}@localhost:8080"


def test_only_the_owner_can_read_the_file(described):
    described.run("env")
    assert stat.S_IMODE(described.env.stat().st_mode) == 0o600


def test_an_existing_file_is_kept_and_gains_what_it_lacks(described):
    described.write(".env", "# mine\nNAME=other\nPORT=9000\nEXTRA=1")
    done = described.run("env")
    assert done.stdout == "Added to .env: PASSWORD, LOGIN, ADDRESS. What they are for: .env.var.\n"
    assert described.env.read_text().startswith("# mine\nNAME=other\nPORT=9000\nEXTRA=1\nPASSWORD=")
    added = described.variables()
    assert added["ADDRESS"] == f"http://other:{added['PASSWORD']}@localhost:9000"


def test_a_value_that_no_longer_fits_is_replaced_in_an_existing_file(checkout):
    checkout.write(".env", "NAME=mine\nREDIS_URL=redis://redis:6379/0\nIMAGES_KEPT=9\n")
    assert "Changed in .env: REDIS_URL." in checkout.run("env").stdout
    written = checkout.variables()
    assert written["REDIS_URL"] == f"redis://:{written['REDIS_PASSWORD']}@redis:6379/0"
    assert (written["NAME"], written["IMAGES_KEPT"]) == ("mine", "9")
    assert checkout.run("env").stdout == ""


def test_a_redis_of_ones_own_is_kept_in_an_existing_file(checkout):
    checkout.write(".env", "REDIS_URL=redis://mine:6379/0\n")
    assert "Changed" not in checkout.run("env").stdout
    assert checkout.variables()["REDIS_URL"] == "redis://mine:6379/0"


def test_a_complete_file_is_left_alone_silently(described):
    described.run("env")
    before = described.env.read_text()
    done = described.run("env")
    assert (done.returncode, done.stdout) == (0, "")
    assert described.env.read_text() == before


def test_a_variable_that_is_commented_out_is_not_added(described):
    described.run("env")
    described.env.write_text(described.env.read_text().replace("LOGIN=", "# LOGIN="))
    assert described.run("env").stdout == ""
    assert "LOGIN" not in described.variables()


def test_another_file_gets_the_chosen_values(described):
    done = described.run("env", "--output", "other.env", "PORT=9080", "OTHER=2")
    assert done.stdout.startswith("Wrote other.env ")
    written = described.variables(described.folder / "other.env")
    assert written["ADDRESS"].endswith(":9080")
    assert written["OTHER"] == "2"
    assert not described.env.exists()


def test_an_unknown_variable_is_named_and_nothing_is_written(described):
    assert ".env.var knows no NAMES, PROT." in described.refuses("env", "PROT=1", "NAMES=x")
    assert not described.env.exists()


def test_a_value_without_a_name_is_refused(described):
    assert "'9080' is not of the form NAME=VALUE." in described.refuses("env", "9080")


def test_chosen_values_never_go_into_an_existing_file(described):
    described.write(".env", "NAME=other\n")
    said = described.refuses("env", "PORT=9080")
    assert f"{described.env} is there already. Edit it, or remove it first." in said
    assert described.env.read_text() == "NAME=other\n"


@pytest.mark.parametrize("lines", ["A=${B}", "A=${B}\nB=${A}"])
def test_a_reference_to_an_unknown_variable_is_named(checkout, lines):
    checkout.write(".env.var", f"{lines}\n")
    assert ".env.var refers to " in checkout.refuses("env")


def test_a_file_that_cannot_be_written_is_reported_with_the_reason(described):
    said = described.refuses("env", "--output", "missing/other.env")
    assert "missing/other.env could not be written: No such file or directory." in said


def test_two_processes_write_one_file(described):
    both = [described.start("env") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert "".join(said).count("Wrote .env") == 1
    assert described.variables()["PASSWORD"] in described.variables()["ADDRESS"]
    assert not list(described.folder.glob(".env.*[0-9]"))
